/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptors that close themselves at the end of their scope, and reads and writes that survive signals.
 */
#ifndef CAISSON_DESCRIPTOR_H
#define CAISSON_DESCRIPTOR_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

/* Descriptors below it stay open until an exec closes them. */
__attribute__((weak)) int descriptor_kept_below;

static inline void descriptor_close(int *fd)
{
	if (*fd >= 0 && *fd < descriptor_kept_below) {
		*fd = -1;
	} else if (*fd >= 0) {
		int saved = errno;

		(void)close(*fd);
		errno = saved;
		*fd = -1;
	}
}

/* For a variable that starts at -1 or with an open descriptor. */
#define autoclose __attribute__((cleanup(descriptor_close)))

/* Gives the descriptor up: whoever gets the result closes it. */
static inline int descriptor_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* open(2) without O_CREAT, closed on exec. musl's open would say that a second time, with a call of its own. */
static inline int descriptor_open(const char *path, int flags)
{
	return openat(AT_FDCWD, path, flags | O_CLOEXEC);
}

/* read(2), again when a signal came between. */
static inline ssize_t descriptor_read(int fd, void *buffer, size_t size)
{
	ssize_t n;

	do
		n = read(fd, buffer, size);
	while (n < 0 && errno == EINTR);
	return n;
}

/* write(2), again when a signal came between. */
static inline ssize_t descriptor_write(int fd, const void *buffer, size_t size)
{
	ssize_t n;

	do
		n = write(fd, buffer, size);
	while (n < 0 && errno == EINTR);
	return n;
}

#endif
