/* SPDX-License-Identifier: Apache-2.0 */
#include "arguments.h"

#include <errno.h>
#include <stdlib.h>

int usage(struct error *err, const char *what)
{
	return error_set(err, REASON_INVALID, "arguments", "%s", what);
}

int take_number(const char *text, uint64_t *value, struct error *err)
{
	char *end;

	errno = 0;
	*value = text && *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
	if (!text || *text < '0' || *text > '9' || *end != '\0' || errno != 0 || *value > INT64_MAX)
		return usage(err, "a number is expected");
	return 0;
}
