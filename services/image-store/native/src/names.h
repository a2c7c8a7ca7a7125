/* SPDX-License-Identifier: Apache-2.0
 *
 * The names in a directory, sorted by their bytes.
 */
#ifndef CAISSON_LAYER_NAMES_H
#define CAISSON_LAYER_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct listed {
	const char *name;
	unsigned char type; /* DT_* of dirent.h; DT_UNKNOWN is possible */
	bool whiteout;      /* for who reads them */
};

struct names {
	struct listed *items;
	size_t count;
	char *bytes;
};

/* Without "." and "..". More than `max` is LIMIT. */
int names_read(struct names *names, int directory, uint64_t max, struct error *err);
void names_free(struct names *names);
const struct listed *names_find(const struct names *names, const char *name);

#endif
