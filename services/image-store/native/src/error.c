/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum reason error_reason_of(int number)
{
	switch (number) {
	case ENOSPC:
	case EDQUOT:
		return REASON_NOSPACE;
	case EROFS:
		return REASON_READ_ONLY;
	case ENAMETOOLONG:
		return REASON_INVALID;
	case ELOOP:
	case EXDEV:
	case ENOTDIR:
		return REASON_UNSAFE_CONTENT;
	case EFBIG:
	case EMLINK:
	case ENOMEM:
		return REASON_LIMIT;
	default:
		return REASON_IO;
	}
}

void error_record(struct error *err, enum reason reason, const char *step, const char *format, ...)
{
	va_list args;

	err->reason = reason;
	err->number = 0;
	err->step = step;
	err->path[0] = '\0';
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
}

void error_record_system(struct error *err, enum reason reason, int number, const char *step, const char *what)
{
	char text[128];

	error_record(err, reason, step, "%s: %s", what, strerror_r(number, text, sizeof(text)));
	err->number = number;
}

void error_name(struct error *err, const char *path)
{
	if (err->path[0] == '\0')
		snprintf(err->path, sizeof(err->path), "%s", path);
}

const char *reason_word(enum reason reason)
{
	switch (reason) {
	case REASON_UNSAFE_CONTENT:
		return "UNSAFE_CONTENT";
	case REASON_LIMIT:
		return "LIMIT";
	case REASON_INVALID:
		return "INVALID";
	case REASON_NOSPACE:
		return "NOSPACE";
	case REASON_TRUNCATED:
		return "TRUNCATED";
	case REASON_MISSING:
		return "MISSING";
	case REASON_NOT_DIRECTORY:
		return "NOT_DIRECTORY";
	case REASON_KIND:
		return "KIND";
	case REASON_READ_ONLY:
		return "READ_ONLY";
	case REASON_DENIED:
		return "DENIED";
	case REASON_BUSY:
		return "BUSY";
	case REASON_RACE:
		return "RACE";
	case REASON_GONE:
		return "GONE";
	case REASON_NONE:
	case REASON_IO:
		return "IO";
	}
	return "IO";
}
