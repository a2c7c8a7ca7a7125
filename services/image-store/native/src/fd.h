/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptors: scope cleanup, whole writes, and the one way to resolve a path that a layer had a say in.
 */
#ifndef CAISSON_LAYER_FD_H
#define CAISSON_LAYER_FD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"

void fd_close(int *fd);
#define AUTO_FD __attribute__((cleanup(fd_close)))

/* Opens the directory `path` as if `root` were the root: symlinks, absolute ones too, stay inside; other mounts and
 * magic links are refused. Returns a descriptor, or -1 with errno. */
int fd_open_in_root(int root, const char *path);

/* Opens the directory `path` with RESOLVE_* flags of openat2(2); magic links are always refused. */
int fd_open_resolved(int at, const char *path, uint64_t resolve);

/* The same, but refuses to pass through any symlink (ELOOP). */
int fd_open_plain(int root, const char *path);

/* Opens the directory `name`, one component, directly below `parent`: never a symlink, never another mount. */
int fd_open_child(int parent, const char *name);

/* Opens what is no directory directly below `parent` for reading, without waiting for anybody at a pipe. Never a symlink
 * (ELOOP). */
int fd_open_file(int parent, const char *name);

/* Fills the buffer up to `size` unless the input ends before. Returns the bytes read, or -1. */
ssize_t fd_read_full(int fd, void *buffer, size_t size, struct error *err);

int fd_write_all(int fd, const void *buffer, size_t size, const char *step, struct error *err);
int fd_write_at(int fd, const void *buffer, size_t size, uint64_t offset, const char *step, struct error *err);

#endif
