/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes paths of a tree as a tar.
 */
#ifndef CAISSON_LAYER_TREE_READ_H
#define CAISSON_LAYER_TREE_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "tree_source.h"

struct tree_read_options {
	struct tree_source source;
	const char *name; /* of what is at a path, in the archive; "": only what is in it; NULL: its last component */
	bool parents;     /* the whole path is its name */
	bool owned;       /* everything belongs to uid and gid */
	uint64_t uid;
	uint64_t gid;
	bool moded; /* files and directories have these permissions */
	uint32_t mode;
	int output;
};

struct tree_read_result {
	uint64_t entries;
	uint64_t bytes; /* of files */
};

int tree_read(int root, const struct tree_read_options *options, struct tree_read_result *result, struct error *err);

#endif
