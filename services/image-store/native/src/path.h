/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths inside a tree that hostile processes may change at any moment. A path is resolved once, by the kernel, with the
 * tree's root as the root; from then on only its descriptor counts.
 */
#ifndef CAISSON_LAYER_PATH_H
#define CAISSON_LAYER_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "error.h"

/* Opens whatever is at `path` without touching it (O_PATH): devices and FIFOs neither block nor notice. The last
 * component is followed only when asked. */
int path_open(int root, const char *path, bool follow, struct error *err);

/* The same for a directory that is then read or written in, made with its parents where missing and wanted (0755, of the
 * root). */
int path_open_directory(int root, const char *path, bool make, struct error *err);

/* Opens `name`, one component, below a directory, as path_open does and never following. `within`: -1 and EXDEV when
 * another mount is on it. Returns -1 with errno. */
int path_open_child(int directory, const char *name, bool within);

/* Opens for reading exactly the file or directory that an O_PATH descriptor is of. Returns -1 with errno. */
int path_reopen(int fd, int flags);

/* Reads the target of a symlink that an O_PATH descriptor is of. A longer one is LIMIT. */
int path_read_link(int fd, char *target, size_t size, struct error *err);

/* What an errno value says of a path. */
int path_failed(struct error *err, const char *path, const char *what);

#endif
