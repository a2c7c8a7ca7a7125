/* SPDX-License-Identifier: Apache-2.0 */
#include "addon_job.h"

#include "values.h"

static void execute(napi_env env, void *data)
{
	struct job *job = data;

	(void)env;
	job->run(job);
}

static void complete(napi_env env, napi_status status, void *data)
{
	struct job *job = data;

	napi_delete_async_work(env, job->work);
	if (status != napi_ok || job->result < 0)
		napi_reject_deferred(env, job->deferred, make_error(env, &job->error));
	else
		napi_resolve_deferred(env, job->deferred, job->answer(env, job));
	job->release(job);
}

napi_value job_queue(napi_env env, struct job *job)
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
