/* SPDX-License-Identifier: Apache-2.0 */
#include "way.h"

#include <stdio.h>
#include <string.h>

int way_enter(struct way *way, const char *prefix, const char *name, size_t *before, struct error *err)
{
	size_t left = sizeof(way->path) - way->length;
	int size = snprintf(way->path + way->length, left, "%s%s%s", way->length > 0 ? "/" : "", prefix, name);

	*before = way->length;
	if (size < 0 || (size_t)size >= left) {
		way->path[way->length] = '\0';
		error_record(err, REASON_LIMIT, "name", "a path is longer than %u bytes", TAR_PATH_MAX);
		error_name(err, way->path);
		return -1;
	}
	way->length += (size_t)size;
	return 0;
}

void way_leave(struct way *way, size_t before)
{
	way->length = before;
	way->path[before] = '\0';
}
