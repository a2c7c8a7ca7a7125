/* SPDX-License-Identifier: Apache-2.0 */
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"
#include "tar.h"

/* The kernel gives up on a ".." while anything anywhere is renamed. */
#define RESOLVE_RETRIES 256

static enum reason reason_of(int number)
{
	switch (number) {
	case ENOENT:
		return REASON_MISSING;
	case ENOTDIR:
		return REASON_NOT_DIRECTORY;
	case EACCES:
	case EPERM:
		return REASON_DENIED;
	case EAGAIN:
	case ESTALE:
		return REASON_RACE;
	case ELOOP:
		return REASON_INVALID;
	default:
		return error_reason_of(number);
	}
}

int path_failed(struct error *err, const char *path, const char *what)
{
	error_record_system(err, reason_of(errno), errno, "path", what);
	error_name(err, path);
	return -1;
}

static int resolve(int at, const char *path, uint64_t flags, uint64_t how_to)
{
	struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = how_to | RESOLVE_NO_MAGICLINKS};
	long fd;

	for (int i = 0; i < RESOLVE_RETRIES; i++) {
		fd = syscall(SYS_openat2, at, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			return (int)fd;
	}
	return -1;
}

int path_open(int root, const char *path, bool follow, struct error *err)
{
	int fd = resolve(root, path, (uint64_t)O_PATH | (follow ? 0 : O_NOFOLLOW), RESOLVE_IN_ROOT);

	return fd < 0 ? path_failed(err, path, "cannot find it") : fd;
}

/* Makes the components that are missing, one after the other; what was there may be a symlink inside the tree. */
static int make_way(int root, const char *path, struct error *err)
{
	char part[TAR_PATH_MAX + 2];
	size_t length = strlen(path);
	AUTO_FD int directory = dup(root);

	if (length > TAR_PATH_MAX)
		return error_set(err, REASON_INVALID, "path", "a path is longer than %u bytes", TAR_PATH_MAX);
	for (size_t start = 0, end; directory >= 0 && start < length; start = end + 1) {
		size_t size = strcspn(path + start, "/");
		int next;

		end = start + size;
		memcpy(part, path, end);
		part[end] = '\0';
		if (size == 0)
			continue;
		next = resolve(root, part, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);
		if (next < 0 && errno == ENOENT && mkdirat(directory, part + start, 0755) == 0)
			next = path_open_child(directory, part + start, false);
		fd_close(&directory);
		directory = next;
	}
	return directory < 0 ? path_failed(err, path, "cannot make the directory") : 0;
}

int path_open_directory(int root, const char *path, bool make, struct error *err)
{
	int fd = resolve(root, path, O_RDONLY | O_DIRECTORY, RESOLVE_IN_ROOT);

	if (fd < 0 && errno == ENOENT && make) {
		if (make_way(root, path, err) < 0)
			return -1;
		fd = resolve(root, path, O_RDONLY | O_DIRECTORY, RESOLVE_IN_ROOT);
	}
	return fd < 0 ? path_failed(err, path, "cannot open the directory") : fd;
}

int path_open_child(int directory, const char *name, bool within)
{
	uint64_t how = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | (within ? RESOLVE_NO_XDEV : 0);

	return resolve(directory, name, O_PATH | O_NOFOLLOW, how);
}

/* By our own list of descriptors: the one magic link that cannot be made to lead elsewhere. */
int path_reopen(int fd, int flags)
{
	char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return open(name, flags | O_NONBLOCK | O_CLOEXEC);
}

int path_read_link(int fd, char *target, size_t size, struct error *err)
{
	ssize_t length = readlinkat(fd, "", target, size);

	if (length < 0)
		return path_failed(err, "", "cannot read a symlink");
	if ((size_t)length >= size)
		return error_set(err, REASON_LIMIT, "path", "the target of a symlink is too long");
	target[length] = '\0';
	return 0;
}
