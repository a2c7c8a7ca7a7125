/* SPDX-License-Identifier: Apache-2.0 */
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RESOLVE_RETRIES 16

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static int open_plain(int at, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | flags,
		.resolve = resolve | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	/* EAGAIN: a rename elsewhere made the kernel unsure about a "..". It says nothing about this path. */
	for (int i = 0; i < RESOLVE_RETRIES; i++) {
		fd = syscall(SYS_openat2, at, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			return (int)fd;
	}
	return -1;
}

int fd_open_resolved(int at, const char *path, uint64_t resolve)
{
	return open_plain(at, path, O_DIRECTORY, resolve);
}

int fd_open_in_root(int root, const char *path)
{
	return fd_open_resolved(root, path, RESOLVE_IN_ROOT | RESOLVE_NO_XDEV);
}

int fd_open_plain(int root, const char *path)
{
	return fd_open_resolved(root, path, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

int fd_open_child(int parent, const char *name)
{
	return fd_open_resolved(parent, name, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

int fd_open_file(int parent, const char *name)
{
	return open_plain(parent, name, O_NONBLOCK | O_NOCTTY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

ssize_t fd_read_full(int fd, void *buffer, size_t size, struct error *err)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, (char *)buffer + done, size - done);

		if (n == 0)
			break;
		if (n > 0)
			done += (size_t)n;
		else if (errno != EINTR)
			return error_system_as(err, REASON_IO, errno, "read", "cannot read the layer");
	}
	return (ssize_t)done;
}

int fd_write_all(int fd, const void *buffer, size_t size, const char *step, struct error *err)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = write(fd, (const char *)buffer + done, size - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			return error_system(err, errno, step, "cannot write");
	}
	return 0;
}

int fd_write_at(int fd, const void *buffer, size_t size, uint64_t offset, const char *step, struct error *err)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pwrite(fd, (const char *)buffer + done, size - done, (off_t)(offset + done));

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			return error_system(err, errno, step, "cannot write");
	}
	return 0;
}
