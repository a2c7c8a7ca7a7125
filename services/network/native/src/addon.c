/* SPDX-License-Identifier: Apache-2.0 */
#include "addon.h"

#include <errno.h>

#include "cleanup.h"
#include "namespace.h"
#include "netlink.h"
#include "values.h"

static napi_value open_netlink(napi_env env, napi_callback_info info)
{
	napi_value values[2];
	int protocol, namespace_fd = -1, fd;
	struct error err;

	if (!read_arguments(env, info, 2, values) || !read_int(env, values[0], "protocol", &protocol))
		return NULL;
	if (!is_undefined(env, values[1]) && !read_int(env, values[1], "namespaceFd", &namespace_fd))
		return NULL;
	fd = is_undefined(env, values[1]) ? netlink_open(protocol, &err) : netlink_open_in(protocol, namespace_fd, &err);
	return fd < 0 ? throw_error(env, &err) : make_int(env, fd);
}

static napi_value request(napi_env env, napi_callback_info info)
{
	napi_value values[3];
	unsigned char *batch;
	size_t length;
	int fd, timeout_ms = REQUEST_TIMEOUT_MS;
	struct error err;
	auto_bytes struct bytes answers = BYTES_EMPTY;

	if (!read_arguments(env, info, 3, values) || !read_int(env, values[0], "socketFd", &fd) ||
	    !read_bytes(env, values[1], "batch", &batch, &length) || (!is_undefined(env, values[2]) && !read_int(env, values[2], "timeoutMs", &timeout_ms)))
		return NULL;
	if (netlink_request(fd, batch, length, timeout_ms, &answers, &err) < 0)
		return throw_error(env, &err);
	return make_bytes(env, answers.data, answers.length);
}

static napi_value open_namespace(napi_env env, napi_callback_info info)
{
	napi_value values[1];
	auto_free char *path = NULL;
	struct error err;
	int fd;

	if (!read_arguments(env, info, 1, values) || !read_string(env, values[0], "path", &path))
		return NULL;
	fd = namespace_open(path, &err);
	return fd < 0 ? throw_error(env, &err) : make_int(env, fd);
}

static napi_value release_namespace(napi_env env, napi_callback_info info)
{
	napi_value values[1];
	auto_free char *path = NULL;
	struct error err;

	if (!read_arguments(env, info, 1, values) || !read_string(env, values[0], "path", &path))
		return NULL;
	if (namespace_release(path, &err) < 0)
		return throw_error(env, &err);
	return make_undefined(env);
}

static napi_value close_descriptor(napi_env env, napi_callback_info info)
{
	napi_value values[1];
	struct error err;
	int fd;

	if (!read_arguments(env, info, 1, values) || !read_int(env, values[0], "fd", &fd))
		return NULL;
	if (close(fd) < 0 && errno != EINTR) {
		error_system(&err, "close");
		return throw_error(env, &err);
	}
	return make_undefined(env);
}

/* The macro below defines it without a prototype. */
NAPI_MODULE_EXPORT int32_t NODE_API_MODULE_GET_API_VERSION(void);

NAPI_MODULE_INIT()
{
	const napi_property_attributes shown = napi_enumerable;
	const napi_property_descriptor functions[] = {
		{ "openNetlink", NULL, open_netlink, NULL, NULL, NULL, shown, NULL },
		{ "request", NULL, request, NULL, NULL, NULL, shown, NULL },
		{ "requestAsync", NULL, addon_request_async, NULL, NULL, NULL, shown, NULL },
		{ "createNamespace", NULL, addon_create_namespace, NULL, NULL, NULL, shown, NULL },
		{ "openNamespace", NULL, open_namespace, NULL, NULL, NULL, shown, NULL },
		{ "releaseNamespace", NULL, release_namespace, NULL, NULL, NULL, shown, NULL },
		{ "closeDescriptor", NULL, close_descriptor, NULL, NULL, NULL, shown, NULL },
		{ "openNameSockets", NULL, addon_open_name_sockets, NULL, NULL, NULL, shown, NULL },
		{ "handOver", NULL, addon_hand_over, NULL, NULL, NULL, shown, NULL },
		{ "subscribe", NULL, addon_subscribe, NULL, NULL, NULL, shown, NULL },
		{ "unsubscribe", NULL, addon_unsubscribe, NULL, NULL, NULL, shown, NULL },
	};

	if (napi_define_properties(env, exports, sizeof(functions) / sizeof(functions[0]), functions) != napi_ok)
		return NULL;
	return exports;
}
