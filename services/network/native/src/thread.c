/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "thread.h"

#include <signal.h>

#define STACK_BYTES (256 * 1024)

int thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument, struct error *err)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int failure = pthread_attr_init(&attributes);

	if (failure)
		return error_set(err, failure, "pthread_attr_init");
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failure = pthread_create(thread, &attributes, run, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return failure ? error_set(err, failure, "pthread_create") : 0;
}
