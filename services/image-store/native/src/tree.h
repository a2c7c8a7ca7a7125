/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes the entries of one layer below a directory. The last entry of a path wins; a directory over a directory only
 * changes its attributes. Nothing outside the directory can be reached: parents are resolved by the kernel with the
 * directory as the root, and the last component is never followed.
 */
#ifndef CAISSON_LAYER_TREE_H
#define CAISSON_LAYER_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "dirs.h"
#include "error.h"
#include "name.h"
#include "tar.h"

struct tree_options {
	uint64_t max_bytes;   /* that the files may have together */
	uint64_t max_entries; /* directories that the layer only implies count too */
	uint64_t uid_max;     /* of user and group ids */
	bool overlay;         /* whiteouts become those of the overlay file system; otherwise they are ordinary files */
	bool in_use;          /* the target is a directory of a tree that lives: other mounts may be entered, and directories
				 that the archive does not name keep the time that the kernel gives them */
	bool whole;           /* with in_use: the target is the root of its tree, so absolute symlinks stay inside; in
				 any other target a symlink that leads out of it is refused */
	bool keep_kinds;      /* a directory is not replaced by something else, nor the other way round */
	bool lowest;          /* no layer is below: whiteouts are checked, but there is nothing to hide */
};

struct tree {
	struct tree_options options;
	struct dirs dirs;
	uint64_t entries;
	uint64_t implied;
	uint64_t bytes;
	bool root_opaque; /* the layer hides everything below it: a mark at its root, which overlayfs would not heed */
	bool root_entry;  /* the archive says what the root is: mode, owner */
};

int tree_open(struct tree *tree, int target, const struct tree_options *options, struct error *err);
/* Writes the entry that tar_next just gave, and reads its data. */
int tree_add(struct tree *tree, struct tar_reader *reader, const struct tar_entry *entry, struct error *err);
/* The times of the directories; to be called on failure too, for it closes descriptors. */
int tree_close(struct tree *tree, struct error *err);

#endif
