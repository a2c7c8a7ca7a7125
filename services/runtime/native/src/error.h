/* SPDX-License-Identifier: Apache-2.0
 *
 * Where, why and on what something failed. Functions that take a `struct error *` return a negative number exactly when
 * they have filled it.
 */
#ifndef CAISSON_ERROR_H
#define CAISSON_ERROR_H

#include <stdint.h>

#include "control.h"

#define ERROR_MESSAGE_SIZE 240

struct error {
	uint32_t step; /* enum launch_step */
	int32_t code;  /* errno */
	char message[ERROR_MESSAGE_SIZE];
};

/* Fills `err` from errno. The message is `what`, and behind a blank `name` unless it is NULL. Returns -1. */
int fail(struct error *err, enum launch_step step, const char *what, const char *name);

/* The same with a given code. */
int fail_code(struct error *err, enum launch_step step, int code, const char *what, const char *name);

#endif
