/* SPDX-License-Identifier: Apache-2.0
 *
 * Which path a file with several links was first met at.
 */
#ifndef CAISSON_LAYER_TREE_LINKS_H
#define CAISSON_LAYER_TREE_LINKS_H

#include <stddef.h>
#include <sys/types.h>

#include "error.h"

struct link_place {
	dev_t device;
	ino_t inode;
	char *path;
};

struct tree_links {
	struct link_place *places;
	size_t count;
	size_t capacity; /* a power of two, or 0 */
	size_t bytes;
};

#define LINKS_BYTES_MAX (96u << 20)

/* The path of the first one, or NULL when this is it. -1 when memory is out. */
int tree_links_meet(struct tree_links *links, dev_t device, ino_t inode, const char *path, const char **first, struct error *err);
void tree_links_free(struct tree_links *links);

#endif
