/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAISSON_LAYER_TREE_ARGUMENTS_H
#define CAISSON_LAYER_TREE_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "root.h"
#include "tree_read.h"
#include "unpack.h"

/* Everything that a tree command may be told; see tree_command.h. */
struct tree_arguments {
	struct root_options root;
	struct tree_read_options read;
	const char **lowers;
	const char **excludes;
	bool make;
	bool keep_kinds;
	uint64_t max_bytes;
	uint64_t uid_max;
};

int tree_arguments_parse(struct tree_arguments *arguments, int argc, char **argv, struct error *err);

#endif
