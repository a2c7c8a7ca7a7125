/* SPDX-License-Identifier: Apache-2.0
 *
 * What is read of a tree: the paths, and what is left out.
 */
#ifndef CAISSON_LAYER_TREE_SOURCE_H
#define CAISSON_LAYER_TREE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct tree_source {
	const char *const *paths;
	size_t count;
	const char *const *excludes; /* match_path patterns, relative to each path; of a file its name counts */
	size_t exclude_count;
	bool patterns;  /* paths may have wildcards, and symlinks at their ends are followed */
	bool follow;    /* without patterns: follow a symlink at the end */
	bool one_mount; /* see walk.h */
	uint64_t max_entries;
};

bool tree_source_excludes(const struct tree_source *source, const char *path);
/* Are the patterns of what is left out well formed? */
int tree_source_check(const struct tree_source *source, struct error *err);

#endif
