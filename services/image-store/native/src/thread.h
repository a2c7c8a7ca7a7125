/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAISSON_LAYER_THREAD_H
#define CAISSON_LAYER_THREAD_H

#include <pthread.h>

#include "error.h"

/* Starts a thread with a small stack: the address space of the program is limited. */
int thread_start(pthread_t *thread, void *(*run)(void *), void *context, struct error *err);

#endif
