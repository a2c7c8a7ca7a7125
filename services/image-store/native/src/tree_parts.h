/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the tree writer, for one another.
 */
#ifndef CAISSON_LAYER_TREE_PARTS_H
#define CAISSON_LAYER_TREE_PARTS_H

#include "tree.h"

/* ---- tree_dir.c ---- */

/* The directory that the entry goes into; missing ones are made, 0755 and root's. */
int tree_parent(struct tree *tree, const struct name *name, struct dir **parent, struct error *err);
/* Makes room for something that is not a directory over itself. Says whether anything was there. */
int tree_clear(struct tree *tree, struct dir *parent, const char *last, bool *was, struct error *err);
int tree_add_dir(struct tree *tree, const struct name *name, const struct tar_entry *entry, struct error *err);

/* ---- tree_file.c ---- */

int tree_add_file(struct tree *tree, struct tar_reader *reader, const struct name *name, const struct tar_entry *entry,
		  struct error *err);

/* ---- tree_node.c: what has no content ---- */

int tree_add_symlink(struct tree *tree, const struct name *name, const struct tar_entry *entry, struct error *err);
int tree_add_hardlink(struct tree *tree, const struct name *name, const struct tar_entry *entry, struct error *err);
int tree_add_device(struct tree *tree, const struct name *name, const struct tar_entry *entry, struct error *err);

/* ---- tree_whiteout.c ---- */

bool tree_is_whiteout(const struct stat *about);
int tree_make_opaque(int fd, struct error *err);
int tree_add_whiteout(struct tree *tree, const struct name *name, const struct tar_entry *entry, struct error *err);
int tree_add_opaque(struct tree *tree, const struct name *name, const struct tar_entry *entry, struct error *err);

#endif
