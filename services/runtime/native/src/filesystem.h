/* SPDX-License-Identifier: Apache-2.0
 *
 * File systems and detached mounts by the mount API: nothing here has a place in a tree of mounts yet.
 */
#ifndef CAISSON_FILESYSTEM_H
#define CAISSON_FILESYSTEM_H

#include <stdint.h>

/* A new file system as a detached mount. `options`: "key=value,flag,...". `flags`: PLAN_MOUNT_*. The descriptor, or -1
 * and errno. */
int filesystem_new(const char *type, const char *options, uint32_t flags);

/* Gives options to an open file system context. -1 and errno. */
int filesystem_options(int context, const char *options);

/* Attributes of fsmount(2) for PLAN_MOUNT_* flags. */
unsigned int filesystem_attributes(uint32_t flags);

/*
 * A detached copy of the mount that `source` (any descriptor) is in, from there down; of all mounts below it too when
 * `flags` has PLAN_MOUNT_RECURSIVE. Gets the attributes of `flags`, the propagation type unless 0, and the id map of
 * `userns` when `flags` has PLAN_MOUNT_IDMAP. The descriptor, or -1 and errno.
 */
int filesystem_clone(int source, uint32_t flags, uint64_t propagation, int userns);

#endif
