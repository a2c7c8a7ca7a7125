/* SPDX-License-Identifier: Apache-2.0 */
#include "thread.h"

#define STACK_SIZE (512u * 1024u)

int thread_start(pthread_t *thread, void *(*run)(void *), void *context, struct error *err)
{
	pthread_attr_t attributes;
	int number;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	number = pthread_create(thread, &attributes, run, context);
	pthread_attr_destroy(&attributes);
	return number ? error_system(err, number, "setup", "cannot start a thread") : 0;
}
