/* SPDX-License-Identifier: Apache-2.0
 *
 * Work that takes longer than the event loop should stand still for: done in the thread pool, answered by a promise.
 */
#include <string.h>

#include "addon.h"
#include "cleanup.h"
#include "namespace.h"
#include "netlink.h"
#include "values.h"

struct job {
	napi_async_work work;
	napi_deferred deferred;
	int result;
	struct error error;
	void (*run)(struct job *job);
	napi_value (*answer)(napi_env env, struct job *job);

	/* request */
	int fd;
	int timeout_ms;
	struct bytes batch;
	struct bytes answers;

	/* createNamespace; writeSettings uses `fd`, too */
	char *pin;
	int from_fd;
	struct sysctl *sysctls;
	uint32_t sysctl_count;
	struct created created;
};

static void free_job(struct job *job)
{
	for (uint32_t i = 0; i < job->sysctl_count; i++) {
		free((void *)job->sysctls[i].file);
		free((void *)job->sysctls[i].value);
	}
	free(job->sysctls);
	free(job->pin);
	bytes_free(&job->batch);
	bytes_free(&job->answers);
	free(job);
}

static void cleanup_job(struct job **job)
{
	if (*job)
		free_job(*job);
}

#define auto_job __attribute__((cleanup(cleanup_job)))

static void execute(napi_env env, void *data)
{
	struct job *job = data;

	(void)env;
	job->run(job);
}

static void complete(napi_env env, napi_status status, void *data)
{
	auto_job struct job *job = data;

	napi_delete_async_work(env, job->work);
	if (status != napi_ok || job->result < 0)
		napi_reject_deferred(env, job->deferred, make_error(env, &job->error));
	else
		napi_resolve_deferred(env, job->deferred, job->answer(env, job));
}

/* Takes the job over when it returns a promise; NULL when not. */
static napi_value queue_job(napi_env env, struct job *job)
{
	napi_value name = NULL, promise = NULL;

	if (napi_create_string_utf8(env, "caisson.netlink", NAPI_AUTO_LENGTH, &name) != napi_ok ||
	    napi_create_async_work(env, NULL, name, execute, complete, job, &job->work) != napi_ok)
		return throw_type(env, "the work cannot be queued");
	if (napi_create_promise(env, &job->deferred, &promise) != napi_ok ||
	    napi_queue_async_work(env, job->work) != napi_ok) {
		napi_delete_async_work(env, job->work);
		return throw_type(env, "the work cannot be queued");
	}
	return promise;
}

static void run_request(struct job *job)
{
	job->result = netlink_request(job->fd, job->batch.data, job->batch.length, job->timeout_ms, &job->answers, &job->error);
}

static napi_value answer_request(napi_env env, struct job *job)
{
	return make_bytes(env, job->answers.data, job->answers.length);
}

napi_value addon_request_async(napi_env env, napi_callback_info info)
{
	napi_value values[3], promise;
	unsigned char *batch;
	size_t length;
	struct error err;
	auto_job struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->timeout_ms = REQUEST_TIMEOUT_MS;
	if (!read_arguments(env, info, 3, values) || !read_int(env, values[0], "socketFd", &job->fd) ||
	    !read_bytes(env, values[1], "batch", &batch, &length) ||
	    (!is_undefined(env, values[2]) && !read_int(env, values[2], "timeoutMs", &job->timeout_ms)))
		return NULL;
	if (bytes_reserve(&job->batch, length, &err) < 0)
		return throw_error(env, &err);
	if (length > 0)
		memcpy(job->batch.data, batch, length);
	job->batch.length = length;
	job->run = run_request;
	job->answer = answer_request;
	promise = queue_job(env, job);
	if (promise)
		job = NULL;
	return promise;
}

static bool read_sysctls(napi_env env, napi_value list, struct job *job)
{
	uint32_t count;

	if (!read_array_length(env, list, "sysctls", &count))
		return false;
	job->sysctls = calloc(count + 1, sizeof(*job->sysctls));
	if (!job->sysctls)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		napi_value pair, file, value;
		uint32_t size;
		struct sysctl *sysctl = &job->sysctls[job->sysctl_count++];

		if (napi_get_element(env, list, i, &pair) != napi_ok || !read_array_length(env, pair, "sysctl", &size) ||
		    napi_get_element(env, pair, 0, &file) != napi_ok || napi_get_element(env, pair, 1, &value) != napi_ok ||
		    !read_string(env, file, "sysctl file", (char **)&sysctl->file) ||
		    !read_string(env, value, "sysctl value", (char **)&sysctl->value))
			return false;
	}
	return true;
}

static void run_create(struct job *job)
{
	job->result = namespace_create(job->pin, job->from_fd, job->sysctls, job->sysctl_count, &job->created, &job->error);
}

static napi_value answer_create(napi_env env, struct job *job)
{
	napi_value object = NULL;

	napi_create_object(env, &object);
	napi_set_named_property(env, object, "namespaceFd", make_int(env, job->created.namespace_fd));
	napi_set_named_property(env, object, "routeFd", make_int(env, job->created.route_fd));
	return object;
}

napi_value addon_create_namespace(napi_env env, napi_callback_info info)
{
	napi_value values[3], promise;
	auto_job struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->from_fd = -1;
	if (!read_arguments(env, info, 3, values) || !read_string(env, values[0], "pinPath", &job->pin) ||
	    !read_sysctls(env, values[1], job) ||
	    (!is_undefined(env, values[2]) && !read_int(env, values[2], "fromFd", &job->from_fd)))
		return NULL;
	job->run = run_create;
	job->answer = answer_create;
	promise = queue_job(env, job);
	if (promise)
		job = NULL;
	return promise;
}

static void run_write(struct job *job)
{
	job->result = namespace_write(job->fd, job->sysctls, job->sysctl_count, &job->error);
}

static napi_value answer_write(napi_env env, struct job *job)
{
	(void)job;
	return make_undefined(env);
}

napi_value addon_write_settings(napi_env env, napi_callback_info info)
{
	napi_value values[2], promise;
	auto_job struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	if (!read_arguments(env, info, 2, values) || !read_int(env, values[0], "namespaceFd", &job->fd) ||
	    !read_sysctls(env, values[1], job))
		return NULL;
	job->run = run_write;
	job->answer = answer_write;
	promise = queue_job(env, job);
	if (promise)
		job = NULL;
	return promise;
}
