/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAISSON_LAYER_TREE_NAMES_H
#define CAISSON_LAYER_TREE_NAMES_H

#include <stddef.h>

#include "error.h"

#define NAMES_BYTES_MAX (64u << 20) /* of the names of one directory */

/* The names in a directory without "." and "..", in the order of their bytes. */
struct tree_names {
	char *bytes;
	size_t length;
	size_t capacity;
	const char **items;
	size_t count;
};

/* Reads a directory from its beginning. */
int tree_names_read(int directory, struct tree_names *names, struct error *err);
void tree_names_free(struct tree_names *names);

#endif
