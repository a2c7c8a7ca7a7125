/* SPDX-License-Identifier: Apache-2.0
 *
 * Notifications go from the monitor's thread into the event loop through a bounded queue. When it is full they are
 * dropped and the next one delivered is "lost": whoever listens looks at everything anew, as after ENOBUFS.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "addon.h"
#include "cleanup.h"
#include "monitor.h"
#include "netlink.h"
#include "values.h"

#define QUEUE_LENGTH 256
#define GROUPS_MAX 32

static const napi_type_tag subscription_tag = { 0x6361697373306e6eULL, 0x73756273637269ULL };

struct subscription {
	struct monitor *monitor; /* NULL once stopped */
	napi_threadsafe_function notify;
	atomic_bool lost;
};

struct notification {
	size_t length; /* 0: lost */
	unsigned char data[];
};

/* On the event loop. */
static void deliver(napi_env env, napi_value callback, void *context, void *data)
{
	auto_free struct notification *notification = data;
	napi_value argument = NULL;

	(void)context;
	if (!env || !callback)
		return;
	if (notification->length > 0)
		argument = make_bytes(env, notification->data, notification->length);
	else
		napi_get_null(env, &argument);
	/* An exception of the callback stays pending and reaches uncaughtException. */
	napi_call_function(env, make_undefined(env), callback, 1, &argument, NULL);
}

/* On the monitor's thread. */
static void enqueue(void *context, const unsigned char *data, size_t length)
{
	struct subscription *subscription = context;
	size_t kept = data && !atomic_exchange(&subscription->lost, false) ? length : 0;
	struct notification *notification = malloc(sizeof(*notification) + kept);

	if (notification) {
		notification->length = kept;
		if (kept > 0)
			memcpy(notification->data, data, kept);
	}
	if (!notification ||
	    napi_call_threadsafe_function(subscription->notify, notification, napi_tsfn_nonblocking) != napi_ok) {
		free(notification);
		atomic_store(&subscription->lost, true);
	}
}

static void stop(struct subscription *subscription)
{
	if (!subscription->monitor)
		return;
	monitor_stop(subscription->monitor);
	subscription->monitor = NULL;
	napi_release_threadsafe_function(subscription->notify, napi_tsfn_abort);
}

static void stop_at_exit(void *data)
{
	stop(data);
}

static void finalize(napi_env env, void *data, void *hint)
{
	(void)hint;
	napi_remove_env_cleanup_hook(env, stop_at_exit, data);
	stop(data);
	free(data);
}

static bool read_groups(napi_env env, napi_value list, uint32_t *groups, uint32_t *count)
{
	if (!read_array_length(env, list, "groups", count))
		return false;
	if (*count > GROUPS_MAX) {
		throw_type(env, "too many groups");
		return false;
	}
	for (uint32_t i = 0; i < *count; i++) {
		napi_value element;
		int group;

		if (napi_get_element(env, list, i, &element) != napi_ok || !read_int(env, element, "group", &group))
			return false;
		groups[i] = (uint32_t)group;
	}
	return true;
}

static bool make_notifier(napi_env env, napi_value callback, napi_threadsafe_function *notify)
{
	napi_value name = NULL;
	napi_valuetype type;

	if (napi_typeof(env, callback, &type) != napi_ok || type != napi_function) {
		throw_type(env, "callback must be a function");
		return false;
	}
	if (napi_create_string_utf8(env, "caisson.netlink", NAPI_AUTO_LENGTH, &name) != napi_ok ||
	    napi_create_threadsafe_function(env, callback, NULL, name, QUEUE_LENGTH, 1, NULL, NULL, NULL, deliver, notify) !=
		    napi_ok)
		return false;
	/* A subscription alone does not keep the process running. */
	return napi_unref_threadsafe_function(env, *notify) == napi_ok;
}

static int open_joined(int protocol, const uint32_t *groups, uint32_t count, struct error *err)
{
	auto_close int fd = netlink_open(protocol, err);

	if (fd < 0 || netlink_join(fd, groups, count, err) < 0)
		return -1;
	return take_fd(&fd);
}

/* Takes the notifier over, also when it fails. */
static napi_value begin(napi_env env, int fd, napi_threadsafe_function notify)
{
	struct subscription *subscription = calloc(1, sizeof(*subscription));
	struct error err = { ENOMEM, "calloc" };
	napi_value handle = NULL;

	if (subscription) {
		subscription->notify = notify;
		subscription->monitor = monitor_start(fd, enqueue, subscription, &err);
	}
	if (!subscription || !subscription->monitor) {
		free(subscription);
		napi_release_threadsafe_function(notify, napi_tsfn_abort);
		return throw_error(env, &err);
	}
	napi_add_env_cleanup_hook(env, stop_at_exit, subscription);
	if (napi_create_external(env, subscription, finalize, NULL, &handle) != napi_ok)
		return NULL;
	napi_type_tag_object(env, handle, &subscription_tag);
	return handle;
}

napi_value addon_subscribe(napi_env env, napi_callback_info info)
{
	napi_value values[3];
	int protocol, fd;
	uint32_t groups[GROUPS_MAX], count;
	napi_threadsafe_function notify;
	struct error err;

	if (!read_arguments(env, info, 3, values) || !read_int(env, values[0], "protocol", &protocol) ||
	    !read_groups(env, values[1], groups, &count) || !make_notifier(env, values[2], &notify))
		return NULL;
	fd = open_joined(protocol, groups, count, &err);
	if (fd < 0) {
		napi_release_threadsafe_function(notify, napi_tsfn_abort);
		return throw_error(env, &err);
	}
	return begin(env, fd, notify);
}

napi_value addon_unsubscribe(napi_env env, napi_callback_info info)
{
	napi_value values[1];
	napi_valuetype type;
	bool ours = false;
	void *data;

	if (!read_arguments(env, info, 1, values))
		return NULL;
	if (napi_typeof(env, values[0], &type) != napi_ok || type != napi_external ||
	    napi_check_object_type_tag(env, values[0], &subscription_tag, &ours) != napi_ok || !ours ||
	    napi_get_value_external(env, values[0], &data) != napi_ok)
		return throw_type(env, "subscription must be what subscribe returned");
	stop(data);
	return make_undefined(env);
}
