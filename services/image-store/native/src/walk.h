/* SPDX-License-Identifier: Apache-2.0
 *
 * Goes through a tree from an open file or directory downwards: a directory before what is in it, names in the order of
 * their bytes, each opened once without following anything. What vanishes meanwhile is left out. Sockets are left out
 * too: they mean nothing elsewhere.
 */
#ifndef CAISSON_LAYER_WALK_H
#define CAISSON_LAYER_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "error.h"

#define WALK_DEPTH_MAX 400u /* each level holds a descriptor */

struct walk_entry {
	const char *path; /* relative to the start; "" is the start itself */
	int fd;           /* O_PATH */
	struct stat about;
	bool foreign; /* another mount that the walk does not enter stands here */
};

struct walk_options {
	bool one_mount;       /* other mounts are not entered; otherwise only those that the kernel makes up (proc, sysfs, ...) */
	uint64_t max_entries;
	/* 1: go into it if it is a directory; 0: do not; -1. */
	int (*visit)(void *context, const struct walk_entry *entry, struct error *err);
	void *context;
};

/* `start` is an O_PATH descriptor and stays open. */
int walk_tree(int start, const struct walk_options *options, struct error *err);

#endif
