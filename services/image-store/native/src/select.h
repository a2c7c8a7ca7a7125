/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAISSON_LAYER_SELECT_H
#define CAISSON_LAYER_SELECT_H

#include <stddef.h>

#include "error.h"

#define SELECT_MAX 100000u /* matches of one pattern */

/* Called with each path and an O_PATH descriptor of what is there; a symlink at the end was followed. */
struct selection {
	int (*take)(void *context, const char *path, int fd, struct error *err);
	void *context;
};

/* Gives what a path, with wildcards (match.h), means in a tree, in the order of bytes. A wildcard never matches a "/", and
 * symlinks on the way are followed inside the tree. MISSING when there is nothing. */
int select_paths(int root, const char *pattern, const struct selection *selection, struct error *err);

#endif
