/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that belong to nobody's event loop: small stack, no signals.
 */
#ifndef CAISSON_THREAD_H
#define CAISSON_THREAD_H

#include <pthread.h>

#include "error.h"

int thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument, struct error *err);

#endif
