/* SPDX-License-Identifier: Apache-2.0
 *
 * Release at the end of a scope. `take_fd` hands a descriptor on, out of its scope.
 */
#ifndef CAISSON_CLEANUP_H
#define CAISSON_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define auto_close __attribute__((cleanup(cleanup_close)))
#define auto_free __attribute__((cleanup(cleanup_free)))

#endif
