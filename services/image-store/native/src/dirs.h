/* SPDX-License-Identifier: Apache-2.0
 *
 * Open directories of the tree, by their path. A layer names the same few directories again and again: their
 * descriptors are kept, the least recently used ones are closed. Making entries changes a directory's time of
 * modification, so each one carries the time that it shall have, and gets it when it leaves the cache.
 */
#ifndef CAISSON_LAYER_DIRS_H
#define CAISSON_LAYER_DIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "error.h"

#define DIRS_MAX 256u

struct dir {
	int fd;
	char *path;
	size_t length;
	uint32_t hash;
	dev_t device;
	ino_t inode;
	uint64_t used;
	struct timespec mtime;
	bool timed;    /* it gets that time; otherwise it keeps what the kernel gave it */
	bool inherits; /* set-group-id: what is made in it gets its group */
};

struct dirs {
	struct dir items[DIRS_MAX]; /* the first is the root and stays */
	unsigned count;
	uint64_t clock;
	uint64_t resolve;   /* RESOLVE_* flags for paths; 0: as fd_open_in_root */
	bool natural_times; /* directories that were only opened are not timed */
};

/* Takes a copy of the descriptor. */
int dirs_open(struct dirs *dirs, int root, struct error *err);
/* Gives every directory its time and closes all but the root and `keep`, which may be NULL. Needed before a
 * directory or a symlink is removed: paths may lead elsewhere then. */
int dirs_flush(struct dirs *dirs, struct dir *keep, struct error *err);
/* As dirs_flush, and the root too; the structure is empty afterwards, also on failure. */
int dirs_close(struct dirs *dirs, struct error *err);

/* The directory at a clean path, with symlinks on the way resolved inside the root. Valid at least until two further
 * calls of dirs_find or dirs_adopt. `found` is NULL and errno set (ENOENT, ENOTDIR) when there is none. */
int dirs_find(struct dirs *dirs, const char *path, size_t length, struct dir **found, struct error *err);

/* Puts a directory just made or opened into the cache and owns its descriptor, also on failure. */
int dirs_adopt(struct dirs *dirs, const char *path, size_t length, int fd, struct dir **dir, struct error *err);

#endif
