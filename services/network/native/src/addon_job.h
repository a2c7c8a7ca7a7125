/* SPDX-License-Identifier: Apache-2.0
 *
 * A piece of work for the thread pool, answered by a promise. It is the first member of what it works on.
 */
#ifndef CAISSON_ADDON_JOB_H
#define CAISSON_ADDON_JOB_H

#include <node_api.h>

#include "error.h"

struct job {
	napi_async_work work;
	napi_deferred deferred;
	int result; /* negative: the promise rejects with `error` */
	struct error error;
	void (*run)(struct job *job);
	napi_value (*answer)(napi_env env, struct job *job);
	void (*release)(struct job *job);
};

/* Takes the job over when it returns a promise; NULL, with an error pending, when not. */
napi_value job_queue(napi_env env, struct job *job);

#endif
