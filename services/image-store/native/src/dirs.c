/* SPDX-License-Identifier: Apache-2.0 */
#include "dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "tar.h"

static uint32_t hash_of(const char *path, size_t length)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)path[i]) * 16777619u;
	return hash;
}

#define UNNAMED SIZE_MAX /* as a length: no path leads to this entry of the cache */

static int settle(const struct dir *dir, struct error *err)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, dir->mtime};

	if (!dir->timed)
		return 0;
	if (futimens(dir->fd, times) < 0) {
		error_system(err, errno, "attributes", "cannot set the time of a directory");
		error_name(err, dir->path ? dir->path : "");
		return -1;
	}
	return 0;
}

static void unname(struct dir *dir)
{
	free(dir->path);
	dir->path = NULL;
	dir->length = UNNAMED;
}

/* Leaves a free place behind. */
static int release(struct dir *dir, struct error *err)
{
	int result = settle(dir, err);

	close(dir->fd);
	unname(dir);
	*dir = (struct dir){.fd = -1, .length = UNNAMED};
	return result;
}

static int set_path(struct dir *dir, const char *path, size_t length, struct error *err)
{
	char *copy = malloc(length + 1);

	if (!copy)
		return error_system(err, ENOMEM, "create", "cannot remember a directory");
	memcpy(copy, path, length);
	copy[length] = '\0';
	free(dir->path);
	dir->path = copy;
	dir->length = length;
	dir->hash = hash_of(path, length);
	return 0;
}

/* A free place in the cache, made by closing the least recently used directory if there is none. */
static int make_place(struct dirs *dirs, struct dir **place, struct error *err)
{
	struct dir *oldest = NULL;

	if (dirs->count < DIRS_MAX) {
		*place = &dirs->items[dirs->count++];
		*(*place) = (struct dir){.fd = -1, .length = UNNAMED};
		return 0;
	}
	/* A free place was last used at time zero. */
	for (unsigned i = 1; i < dirs->count; i++)
		if (!oldest || dirs->items[i].used < oldest->used)
			oldest = &dirs->items[i];
	*place = oldest;
	return oldest->fd < 0 ? 0 : release(oldest, err);
}

static int insert(struct dirs *dirs, const char *path, size_t length, int fd, const struct stat *about,
		  struct dir **dir, struct error *err)
{
	struct dir *place;

	if (make_place(dirs, &place, err) < 0 || set_path(place, path, length, err) < 0) {
		close(fd);
		return -1;
	}
	place->fd = fd;
	place->device = about->st_dev;
	place->inode = about->st_ino;
	place->used = ++dirs->clock;
	place->mtime = about->st_mtim;
	place->timed = !dirs->natural_times;
	place->inherits = (about->st_mode & S_ISGID) != 0;
	*dir = place;
	return 0;
}

int dirs_adopt(struct dirs *dirs, const char *path, size_t length, int fd, struct dir **dir, struct error *err)
{
	struct stat about;

	if (fstat(fd, &about) < 0) {
		error_system(err, errno, "create", "cannot examine a directory");
		close(fd);
		return -1;
	}
	/* Two paths can lead to one directory by way of a symlink. It must have one time only, so the newer path
	 * takes over. */
	for (unsigned i = 0; i < dirs->count; i++) {
		if (dirs->items[i].fd < 0 || dirs->items[i].inode != about.st_ino ||
		    dirs->items[i].device != about.st_dev)
			continue;
		close(fd);
		*dir = &dirs->items[i];
		(*dir)->used = ++dirs->clock;
		return i == 0 ? 0 : set_path(*dir, path, length, err);
	}
	return insert(dirs, path, length, fd, &about, dir, err);
}

int dirs_open(struct dirs *dirs, int root, struct error *err)
{
	struct dir *dir;
	int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	memset(dirs, 0, sizeof(*dirs));
	if (fd < 0)
		return error_system_as(err, REASON_IO, errno, "setup", "cannot open the target directory");
	return dirs_adopt(dirs, "", 0, fd, &dir, err);
}

static struct dir *cached(struct dirs *dirs, const char *path, size_t length)
{
	uint32_t hash = hash_of(path, length);

	for (unsigned i = 0; i < dirs->count; i++) {
		struct dir *dir = &dirs->items[i];

		if (dir->hash == hash && dir->length == length && memcmp(dir->path, path, length) == 0) {
			dir->used = ++dirs->clock;
			return dir;
		}
	}
	return NULL;
}

int dirs_find(struct dirs *dirs, const char *path, size_t length, struct dir **found, struct error *err)
{
	char copy[TAR_PATH_MAX + 1];
	int fd;

	*found = cached(dirs, path, length);
	if (*found)
		return 0;
	memcpy(copy, path, length);
	copy[length] = '\0';
	fd = dirs->resolve ? fd_open_resolved(dirs->items[0].fd, copy, dirs->resolve)
			   : fd_open_in_root(dirs->items[0].fd, copy);
	if (fd >= 0)
		return dirs_adopt(dirs, path, length, fd, found, err);
	if (errno == ENOENT || errno == ENOTDIR)
		return 0;
	return error_system(err, errno, "create", "cannot open a directory on the way");
}

int dirs_flush(struct dirs *dirs, struct dir *keep, struct error *err)
{
	int result = 0;

	for (unsigned i = 1; i < dirs->count; i++) {
		struct dir *dir = &dirs->items[i];

		/* The kept one stays open for its user, but it must be looked up again like all others. */
		if (dir == keep)
			unname(dir);
		else if (dir->fd >= 0 && release(dir, err) < 0)
			result = -1;
	}
	return result;
}

int dirs_close(struct dirs *dirs, struct error *err)
{
	int result = dirs_flush(dirs, NULL, err);

	if (dirs->count > 0 && release(&dirs->items[0], err) < 0)
		result = -1;
	dirs->count = 0;
	return result;
}
