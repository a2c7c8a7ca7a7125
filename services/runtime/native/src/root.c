/* SPDX-License-Identifier: Apache-2.0 */
#include "root.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "descriptor.h"
#include "kernel.h"

#define MAX_LINKS 32
/* The kernel gives up on a path while somebody renames or mounts elsewhere. */
#define MAX_TRIES 256

static bool is_at_or_below(const char *path, const char *top)
{
	size_t length = strlen(top);

	return strncmp(path, top, length) == 0 && (path[length] == 0 || path[length] == '/');
}

bool root_is_kernel_path(const char *path)
{
	return is_at_or_below(path, "/proc") || is_at_or_below(path, "/sys");
}

int root_open(int root, const char *path, uint64_t flags)
{
	uint64_t resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
	int fd, tries = 0;

	if (root_is_kernel_path(path))
		resolve |= RESOLVE_NO_SYMLINKS;
	do
		fd = kernel_openat2(root, path, flags, 0, resolve);
	while (fd < 0 && errno == EAGAIN && ++tries < MAX_TRIES);
	return fd;
}

int root_fail(struct error *err, enum launch_step step, const char *what, const char *path)
{
	if (errno == ELOOP || (root_is_kernel_path(path) && (errno == ENOTDIR || errno == EEXIST)))
		step = STEP_UNSAFE;
	return fail(err, step, what, path);
}

static int make_one(int parent, const char *name, bool file)
{
	autoclose int fd = -1;

	if (!file)
		return mkdirat(parent, name, 0755);
	/* Not to be written to: it may stay open when its mount becomes read-only. */
	fd = openat(parent, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? -1 : 0;
}

struct walk {
	char path[PATH_MAX];
	size_t at;  /* start of the component that is looked at */
	size_t end; /* and its end */
	int links;
};

/* What stands in the way is a link to something missing: goes on where it points, inside the root. */
static int follow(struct walk *walk, int parent)
{
	char rest[PATH_MAX], link[PATH_MAX];
	ssize_t length = readlinkat(parent, walk->path + walk->at, link, sizeof(link) - 1);
	size_t keep = length > 0 && link[0] == '/' ? 0 : walk->at;

	if (length <= 0 || ++walk->links > MAX_LINKS) {
		errno = length <= 0 ? EEXIST : ELOOP;
		return -1;
	}
	strcpy(rest, walk->path + walk->end + 1);
	if (keep + (size_t)length + 1 + strlen(rest) >= sizeof(walk->path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(walk->path + keep, link, (size_t)length);
	walk->path[keep + (size_t)length] = '/';
	strcpy(walk->path + keep + length + 1, rest);
	walk->at = 1;
	return 0;
}

/* Makes the component, whose parent exists. 0: it is there; 1: the path has changed; -1 and errno. */
static int make_component(int root, struct walk *walk, bool file)
{
	char before = walk->path[walk->at];
	autoclose int parent = -1;

	walk->path[walk->at] = 0;
	parent = root_open(root, walk->path, O_PATH | O_DIRECTORY);
	walk->path[walk->at] = before;
	if (parent < 0)
		return -1;
	if (make_one(parent, walk->path + walk->at, file) == 0)
		return 0;
	if (errno != EEXIST || root_is_kernel_path(walk->path))
		return -1;
	return follow(walk, parent) < 0 ? -1 : 1;
}

static int walk_and_make(int root, struct walk *walk, bool file)
{
	for (;;) {
		char *slash;
		bool last;
		int fd, made = 0;

		while (walk->path[walk->at] == '/')
			walk->at++;
		slash = strchr(walk->path + walk->at, '/');
		walk->end = slash ? (size_t)(slash - walk->path) : strlen(walk->path);
		last = !slash || slash[strspn(slash, "/")] == 0;
		if (!slash)
			walk->path[walk->end + 1] = 0;
		walk->path[walk->end] = 0;
		fd = root_open(root, walk->path, O_PATH);
		if (fd < 0 && errno == ENOENT) {
			made = make_component(root, walk, last && file);
			if (made == 0)
				fd = root_open(root, walk->path, O_PATH);
		}
		if (made > 0)
			continue;
		if (fd < 0 || last)
			return fd;
		descriptor_close(&fd);
		walk->path[walk->end] = '/';
		walk->at = walk->end + 1;
	}
}

int root_make(int root, const char *path, bool file)
{
	struct walk walk = { .at = 1 };
	int fd = root_open(root, path, O_PATH);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (strlen(path) + 2 > sizeof(walk.path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(walk.path, path);
	return walk_and_make(root, &walk, file);
}

int root_open_null(int root)
{
	autoclose int fd = root_open(root, "/dev/null", O_PATH);
	struct stat info;

	if (fd < 0 || fstat(fd, &info) < 0)
		return -1;
	if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(1, 3)) {
		errno = EXDEV;
		return -1;
	}
	return descriptor_take(&fd);
}
