/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static size_t append(char *to, size_t at, size_t size, const char *text)
{
	size_t length = strnlen(text, size - 1 - at);

	memcpy(to + at, text, length);
	to[at + length] = 0;
	return at + length;
}

int fail_code(struct error *err, enum launch_step step, int code, const char *what, const char *name)
{
	size_t at;

	err->step = step;
	err->code = code;
	at = append(err->message, 0, sizeof(err->message), what);
	if (name) {
		at = append(err->message, at, sizeof(err->message), " ");
		append(err->message, at, sizeof(err->message), name);
	}
	return -1;
}

int fail(struct error *err, enum launch_step step, const char *what, const char *name)
{
	return fail_code(err, step, errno, what, name);
}
