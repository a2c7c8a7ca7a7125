/* SPDX-License-Identifier: Apache-2.0
 *
 * The root directory of a tree that others use: of a snapshot that nothing has mounted, of a running container, or a plain
 * directory of the host.
 */
#ifndef CAISSON_LAYER_ROOT_H
#define CAISSON_LAYER_ROOT_H

#include <stdint.h>
#include <sys/types.h>

#include "error.h"

struct root_options {
	const char *const *lowers; /* directories of the layers, the topmost first */
	unsigned count;
	const char *upper; /* takes changes, with a work directory beside it; NULL: read-only */
	const char *work;
	pid_t pid;           /* of a process of a running container; then there are no layers. 0: none */
	uint64_t start_time; /* of that process: field 22 of /proc/pid/stat */
	const char *directory; /* absolute, takes changes; then there are neither layers nor a process. NULL: none */
};

/* The descriptor of the root, or -1. For a running container the program has joined its user namespace afterwards and
 * is its root: ids are the container's, and the rights on the host are gone. Only one thread may exist. */
int root_open(const struct root_options *options, struct error *err);

/* ---- root_overlay.c ---- */

/* A directory in a mount that no other process sees, through which nothing is executed and no device is used. */
int root_open_directory(const char *path, struct error *err);

/* The merged layers, in a mount that no other process sees and that ends with the program. */
int root_open_overlay(const struct root_options *options, struct error *err);

#define ROOT_LAYERS_MAX 501u /* what overlayfs takes, and the upper directory */

struct root_layers {
	int lowers[ROOT_LAYERS_MAX];
	unsigned count;
	int upper; /* or -1 */
	int work;
};

/* O_PATH descriptors of the directories; to be closed also on failure. */
int root_layers_open(struct root_layers *layers, const struct root_options *options, struct error *err);
void root_layers_close(struct root_layers *layers);

/* ---- root_names.c ---- */

/* The same for kernels before 6.5, in a mount namespace of the program's own, where it covers the lowest layer. */
int root_mount_by_names(const struct root_options *options, struct error *err);

/* ---- root_live.c ---- */

int root_open_live(pid_t pid, uint64_t start_time, struct error *err);

#endif
