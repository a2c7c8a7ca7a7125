/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths inside a container's root. The kernel resolves them, never leaves the root and follows no magic link; below
 * /proc and /sys it follows no link at all.
 */
#ifndef CAISSON_ROOT_H
#define CAISSON_ROOT_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* Opens a path. `flags` as for open(2). -1 and errno. */
int root_open(int root, const char *path, uint64_t flags);

/* Opens a path with O_PATH, and makes it with its parents when it is missing: as an empty file or as a directory. -1 and
 * errno. */
int root_make(int root, const char *path, bool file);

/* The error of one of the two above: STEP_UNSAFE when the root holds a trap, `step` otherwise. Returns -1. */
int root_fail(struct error *err, enum launch_step step, const char *what, const char *path);

/* Whether a path is /proc or /sys, or below. */
bool root_is_kernel_path(const char *path);

/* /dev/null of the root as an O_PATH descriptor that was seen to be that device. -1: not there (errno) or something else
 * (EXDEV). */
int root_open_null(int root);

#endif
