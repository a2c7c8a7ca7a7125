/* SPDX-License-Identifier: Apache-2.0
 *
 * Files with several names: the path each was met under first, by its inode number.
 */
#ifndef CAISSON_LAYER_LINKS_H
#define CAISSON_LAYER_LINKS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"

struct link {
	ino_t inode;
	char *path; /* NULL: the place is free */
};

struct links {
	struct link *items; /* open addressing */
	size_t count;
	size_t capacity; /* a power of two, or 0 */
};

/* The path that the inode has, or NULL. */
const char *links_find(const struct links *links, ino_t inode);
/* For an inode that has none. */
int links_add(struct links *links, ino_t inode, const char *path, struct error *err);
void links_free(struct links *links);

#endif
