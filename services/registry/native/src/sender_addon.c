/* SPDX-License-Identifier: Apache-2.0
 *
 * The boundary to TypeScript: src/native/native-sender.ts says what `send` takes and gives.
 */
#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "addon.h"
#include "sender.h"

#define ARGUMENTS 5

/* What a loaded addon has. */
struct instance {
	napi_threadsafe_function ended;
	unsigned in_flight;
};

struct job {
	struct transfer transfer;
	struct instance *instance;
	napi_deferred deferred;
};

/* On the main thread. */
static void settle(napi_env env, napi_value callback, void *context, void *data)
{
	struct instance *instance = context;
	struct job *job = data;
	napi_value undefined = NULL;

	(void)callback;
	if (env) {
		if (job->transfer.error) {
			napi_reject_deferred(env, job->deferred, make_error(env, job->transfer.error));
		} else {
			napi_get_undefined(env, &undefined);
			napi_resolve_deferred(env, job->deferred, undefined);
		}
		if (--instance->in_flight == 0)
			napi_unref_threadsafe_function(env, instance->ended);
	}
	free(job);
}

/* On a thread of the sender. */
static void ended(struct transfer *transfer)
{
	struct job *job = (struct job *)transfer;

	if (napi_call_threadsafe_function(job->instance->ended, job, napi_tsfn_blocking) != napi_ok)
		free(job);
}

static bool read_arguments(napi_env env, napi_callback_info info, double numbers[ARGUMENTS], struct instance **instance)
{
	static const double most[ARGUMENTS] = { INT32_MAX, INT32_MAX, 9007199254740991.0, 9007199254740991.0, INT32_MAX };
	napi_value values[ARGUMENTS];
	size_t count = ARGUMENTS;
	bool is_right = napi_get_cb_info(env, info, &count, values, NULL, (void **)instance) == napi_ok && count == ARGUMENTS;

	for (int i = 0; is_right && i < ARGUMENTS; i++)
		is_right = read_number(env, values[i], most[i], &numbers[i]);
	if (!is_right)
		napi_throw_type_error(env, NULL, "send takes five whole numbers: socket, file, offset, length, idleMs");
	return is_right;
}

static int duplicate(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static int begin(struct job *job, const double numbers[ARGUMENTS])
{
	struct transfer *transfer = &job->transfer;
	int failure;

	transfer->socket = duplicate((int)numbers[0]);
	if (transfer->socket < 0)
		return errno;
	transfer->file = duplicate((int)numbers[1]);
	if (transfer->file < 0) {
		failure = errno;
		close(transfer->socket);
		return failure;
	}
	transfer->offset = (off_t)numbers[2];
	transfer->left = (uint64_t)numbers[3];
	transfer->idle_ms = (int)numbers[4];
	transfer->done = ended;
	failure = sender_begin(transfer);
	if (failure) {
		close(transfer->socket);
		close(transfer->file);
	}
	return failure;
}

static napi_value send_file(napi_env env, napi_callback_info info)
{
	double numbers[ARGUMENTS];
	struct instance *instance;
	napi_value promise = NULL;
	struct job *job;
	int failure;

	if (!read_arguments(env, info, numbers, &instance))
		return NULL;
	job = calloc(1, sizeof(*job));
	if (!job)
		return throw_number(env, ENOMEM);
	job->instance = instance;
	if (napi_create_promise(env, &job->deferred, &promise) != napi_ok) {
		free(job);
		return NULL;
	}
	if (instance->in_flight++ == 0)
		napi_ref_threadsafe_function(env, instance->ended);
	failure = begin(job, numbers);
	if (failure) {
		job->transfer.error = failure;
		settle(env, NULL, instance, job);
	}
	return promise;
}

/* The macro below defines it without a prototype. */
NAPI_MODULE_EXPORT int32_t NODE_API_MODULE_GET_API_VERSION(void);

NAPI_MODULE_INIT()
{
	/* Lives as long as the process: a thread may still point at it when the environment ends. */
	struct instance *instance = calloc(1, sizeof(*instance));
	napi_property_descriptor send = { "send", NULL, send_file, NULL, NULL, NULL, napi_enumerable, instance };
	napi_value name = NULL;

	if (!instance)
		return NULL;
	napi_create_string_utf8(env, "caisson.sender", NAPI_AUTO_LENGTH, &name);
	if (napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, NULL, NULL, instance, settle, &instance->ended) != napi_ok ||
	    napi_unref_threadsafe_function(env, instance->ended) != napi_ok ||
	    napi_define_properties(env, exports, 1, &send) != napi_ok)
		return NULL;
	return exports;
}
