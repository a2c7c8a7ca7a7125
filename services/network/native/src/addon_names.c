/* SPDX-License-Identifier: Apache-2.0
 *
 * The sockets of name servers: made in a namespace, handed over to the process that answers.
 */
#include <errno.h>
#include <string.h>

#include "addon.h"
#include "addon_job.h"
#include "cleanup.h"
#include "name_sockets.h"
#include "values.h"

struct open_job {
	struct job job;
	int namespace_fd;
	struct name_sockets sockets;
};

struct hand_over_job {
	struct job job;
	char *path;
	unsigned char message[HAND_OVER_BYTES];
	size_t length;
	int fds[HAND_OVER_FDS];
	uint32_t count;
};

static void free_open(struct job *job)
{
	free(job);
}

static void free_hand_over(struct job *base)
{
	free(((struct hand_over_job *)base)->path);
	free(base);
}

static void run_open(struct job *base)
{
	struct open_job *job = (struct open_job *)base;

	base->result = name_sockets_open(job->namespace_fd, &job->sockets, &base->error);
}

static napi_value answer_open(napi_env env, struct job *base)
{
	const struct name_sockets *sockets = &((struct open_job *)base)->sockets;
	napi_value object = NULL;

	napi_create_object(env, &object);
	napi_set_named_property(env, object, "udpFd", make_int(env, sockets->udp));
	napi_set_named_property(env, object, "udpPort", make_int(env, sockets->udp_port));
	napi_set_named_property(env, object, "tcpFd", make_int(env, sockets->tcp));
	napi_set_named_property(env, object, "tcpPort", make_int(env, sockets->tcp_port));
	napi_set_named_property(env, object, "netfilterFd", make_int(env, sockets->netfilter));
	return object;
}

napi_value addon_open_name_sockets(napi_env env, napi_callback_info info)
{
	napi_value values[2], promise;
	auto_free struct open_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->job = (struct job){ .run = run_open, .answer = answer_open, .release = free_open };
	if (!read_arguments(env, info, 1, values) || !read_int(env, values[0], "namespaceFd", &job->namespace_fd))
		return NULL;
	promise = job_queue(env, &job->job);
	if (promise)
		job = NULL;
	return promise;
}

static void run_hand_over(struct job *base)
{
	struct hand_over_job *job = (struct hand_over_job *)base;

	base->result = hand_over(job->path, job->message, job->length, job->fds, job->count, &base->error);
}

static napi_value answer_hand_over(napi_env env, struct job *job)
{
	(void)job;
	return make_undefined(env);
}

static bool read_message(napi_env env, napi_value value, struct hand_over_job *job)
{
	unsigned char *message;

	if (!read_bytes(env, value, "message", &message, &job->length))
		return false;
	if (job->length == 0 || job->length > HAND_OVER_BYTES) {
		throw_type(env, "message must have 1 to 4096 bytes");
		return false;
	}
	memcpy(job->message, message, job->length);
	return true;
}

static bool read_descriptors(napi_env env, napi_value list, struct hand_over_job *job)
{
	if (!read_array_length(env, list, "fds", &job->count))
		return false;
	if (job->count > HAND_OVER_FDS) {
		throw_type(env, "fds must be two at most");
		return false;
	}
	for (uint32_t i = 0; i < job->count; i++) {
		napi_value fd;

		if (napi_get_element(env, list, i, &fd) != napi_ok || !read_int(env, fd, "fd", &job->fds[i]))
			return false;
	}
	return true;
}

static void cleanup_hand_over(struct hand_over_job **job)
{
	if (*job)
		free_hand_over(&(*job)->job);
}

napi_value addon_hand_over(napi_env env, napi_callback_info info)
{
	napi_value values[3], promise;
	__attribute__((cleanup(cleanup_hand_over))) struct hand_over_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->job = (struct job){ .run = run_hand_over, .answer = answer_hand_over, .release = free_hand_over };
	if (!read_arguments(env, info, 3, values) || !read_string(env, values[0], "socketPath", &job->path) ||
	    !read_message(env, values[1], job) || !read_descriptors(env, values[2], job))
		return NULL;
	promise = job_queue(env, &job->job);
	if (promise)
		job = NULL;
	return promise;
}
