/* SPDX-License-Identifier: Apache-2.0
 *
 * Work that takes longer than the event loop should stand still for: done in the thread pool, answered by a promise.
 */
#include <string.h>

#include "addon.h"
#include "addon_job.h"
#include "cleanup.h"
#include "namespace.h"
#include "netlink.h"
#include "values.h"

struct request_job {
	struct job job;
	int fd;
	int timeout_ms;
	struct bytes batch;
	struct bytes answers;
};

struct create_job {
	struct job job;
	char *pin;
	int from_fd;
	struct sysctl *sysctls;
	uint32_t sysctl_count;
	struct created created;
};

static void free_request(struct job *base)
{
	struct request_job *job = (struct request_job *)base;

	bytes_free(&job->batch);
	bytes_free(&job->answers);
	free(job);
}

static void free_create(struct job *base)
{
	struct create_job *job = (struct create_job *)base;

	for (uint32_t i = 0; i < job->sysctl_count; i++) {
		free((void *)job->sysctls[i].file);
		free((void *)job->sysctls[i].value);
	}
	free(job->sysctls);
	free(job->pin);
	free(job);
}

/* Of a job that was not queued. */
static void cleanup_job(void *pointer)
{
	struct job *job = *(struct job **)pointer;

	if (job)
		job->release(job);
}

#define auto_job __attribute__((cleanup(cleanup_job)))

static void run_request(struct job *base)
{
	struct request_job *job = (struct request_job *)base;

	base->result = netlink_request(job->fd, job->batch.data, job->batch.length, job->timeout_ms, &job->answers, &base->error);
}

static napi_value answer_request(napi_env env, struct job *base)
{
	struct request_job *job = (struct request_job *)base;

	return make_bytes(env, job->answers.data, job->answers.length);
}

napi_value addon_request_async(napi_env env, napi_callback_info info)
{
	napi_value values[3], promise;
	unsigned char *batch;
	size_t length;
	struct error err;
	auto_job struct request_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->job = (struct job){ .run = run_request, .answer = answer_request, .release = free_request };
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
	promise = job_queue(env, &job->job);
	if (promise)
		job = NULL;
	return promise;
}

static bool read_sysctls(napi_env env, napi_value list, struct create_job *job)
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

static void run_create(struct job *base)
{
	struct create_job *job = (struct create_job *)base;

	base->result = namespace_create(job->pin, job->from_fd, job->sysctls, job->sysctl_count, &job->created, &base->error);
}

static napi_value answer_create(napi_env env, struct job *base)
{
	struct create_job *job = (struct create_job *)base;
	napi_value object = NULL;

	napi_create_object(env, &object);
	napi_set_named_property(env, object, "namespaceFd", make_int(env, job->created.namespace_fd));
	napi_set_named_property(env, object, "routeFd", make_int(env, job->created.route_fd));
	return object;
}

napi_value addon_create_namespace(napi_env env, napi_callback_info info)
{
	napi_value values[3], promise;
	auto_job struct create_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->job = (struct job){ .run = run_create, .answer = answer_create, .release = free_create };
	job->from_fd = -1;
	if (!read_arguments(env, info, 3, values) || !read_string(env, values[0], "pinPath", &job->pin) ||
	    !read_sysctls(env, values[1], job) ||
	    (!is_undefined(env, values[2]) && !read_int(env, values[2], "fromFd", &job->from_fd)))
		return NULL;
	promise = job_queue(env, &job->job);
	if (promise)
		job = NULL;
	return promise;
}
