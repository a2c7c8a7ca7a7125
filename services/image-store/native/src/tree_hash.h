/* SPDX-License-Identifier: Apache-2.0
 *
 * The digest of what is at a path: SHA-256 of the records below, which never change.
 *
 * The bytes "caisson tree 1\n" come first. Then one record for each file and directory, from the path downwards: a
 * directory before what is in it, the names of one directory in the order of their bytes (unsigned, the shorter first).
 * Numbers are 64 bits, the lowest byte first; a string is the number of its bytes and the bytes.
 *
 *   type      one byte: "f" file, "d" directory, "l" symlink, "c" "b" device, "p" FIFO; sockets have no record
 *   path      string: relative to the path that is digested, components joined by "/"; "" for itself
 *   mode      the twelve permission bits; of a symlink 0777
 *   owner     user id, group id
 *   content   of a file: string; of a symlink: its target as a string; of a device: major, minor; otherwise nothing
 *   xattrs    the count, then for each in the order of names: name and value as strings; those that a layer keeps
 *             (xattrs.h); of a symlink, device or FIFO there are none
 *
 * Times, links among files, and what the file system adds are not part of it. A path with wildcards gives one digest:
 * for each match, in the order of bytes, "m", its path as a string, and its records.
 */
#ifndef CAISSON_LAYER_TREE_HASH_H
#define CAISSON_LAYER_TREE_HASH_H

#include "digest.h"
#include "error.h"
#include "tree_source.h"

/* Digests one path of a tree; `paths` of the source are of no account. A file that changes its size meanwhile is RACE. */
int tree_hash(int root, const char *path, const struct tree_source *source, char text[DIGEST_TEXT_SIZE],
	      struct error *err);

#endif
