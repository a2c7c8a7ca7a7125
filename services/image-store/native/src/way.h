/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a walk through a tree stands: a path relative to its root, without a slash at either end.
 */
#ifndef CAISSON_LAYER_WAY_H
#define CAISSON_LAYER_WAY_H

#include <stddef.h>

#include "error.h"
#include "tar.h"

struct way {
	char path[TAR_PATH_MAX + 1]; /* "" is the root */
	size_t length;
};

/* Appends `prefix` and `name` as one component. Gives the length to go back to. */
int way_enter(struct way *way, const char *prefix, const char *name, size_t *before, struct error *err);
void way_leave(struct way *way, size_t before);

#endif
