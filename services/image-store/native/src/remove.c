/* SPDX-License-Identifier: Apache-2.0 */
#include "remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"

#define LEVELS 64
#define BATCH 16384

struct level {
	int fd;
	char name[256]; /* in the level above */
	ssize_t filled;
	ssize_t at;
	bool rewind; /* something was moved here: read it again before it can be empty */
	_Alignas(struct dirent64) char batch[BATCH];
};

struct removal {
	struct level *levels;
	int depth;
	uint64_t moved;
	uint64_t count;
};

static int failed(struct error *err, const char *name)
{
	error_system_as(err, REASON_IO, errno, "remove", "cannot remove");
	error_name(err, name);
	return -1;
}

static void close_levels(struct removal *removal)
{
	for (int i = 0; i < removal->depth; i++)
		close(removal->levels[i].fd);
	free(removal->levels);
}

static int enter(struct removal *removal, int parent, const char *name, struct error *err)
{
	struct level *level = &removal->levels[removal->depth];

	level->fd = fd_open_child(parent, name);
	if (level->fd < 0)
		return failed(err, name);
	snprintf(level->name, sizeof(level->name), "%s", name);
	level->filled = 0;
	level->at = 0;
	level->rewind = false;
	removal->depth++;
	return 0;
}

/* Too deep to hold all levels open: the directory moves up to the top of the tree, to be met there again. */
static int move_up(struct removal *removal, int parent, const char *name, struct error *err)
{
	struct level *top = &removal->levels[0];
	char fresh[64];

	do {
		snprintf(fresh, sizeof(fresh), ".removed-%llu", (unsigned long long)removal->moved++);
		if (renameat2(parent, name, top->fd, fresh, RENAME_NOREPLACE) == 0) {
			top->rewind = true;
			return 0;
		}
	} while (errno == EEXIST);
	return failed(err, name);
}

static bool is_dot(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static int is_directory(const struct level *level, const struct dirent64 *entry, struct error *err)
{
	struct stat about;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	if (fstatat(level->fd, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(err, entry->d_name);
	return S_ISDIR(about.st_mode);
}

static int remove_entry(struct removal *removal, struct level *level, const struct dirent64 *entry, struct error *err)
{
	int directory;

	if (is_dot(entry->d_name))
		return 0;
	directory = is_directory(level, entry, err);
	if (directory < 0)
		return -1;
	if (directory && removal->depth == LEVELS)
		return move_up(removal, level->fd, entry->d_name, err);
	if (directory)
		return enter(removal, level->fd, entry->d_name, err);
	if (unlinkat(level->fd, entry->d_name, 0) < 0 && errno != ENOENT)
		return failed(err, entry->d_name);
	removal->count++;
	return 0;
}

/* 1 when there is an entry to look at, 0 when the directory was read to its end. */
static int refill(struct level *level, struct error *err)
{
	if (level->at < level->filled)
		return 1;
	level->at = 0;
	level->filled = getdents64(level->fd, level->batch, BATCH);
	if (level->filled == 0 && level->rewind) {
		level->rewind = false;
		if (lseek(level->fd, 0, SEEK_SET) < 0)
			return failed(err, level->name);
		level->filled = getdents64(level->fd, level->batch, BATCH);
	}
	if (level->filled < 0)
		return failed(err, level->name);
	return level->filled > 0;
}

static int leave(struct removal *removal, int parent, struct error *err)
{
	struct level *level = &removal->levels[removal->depth - 1];
	int above = removal->depth > 1 ? level[-1].fd : parent;

	if (unlinkat(above, level->name, AT_REMOVEDIR) < 0)
		return failed(err, level->name);
	close(level->fd);
	removal->depth--;
	removal->count++;
	return 0;
}

static int remove_directory(struct removal *removal, int parent, const char *name, struct error *err)
{
	if (enter(removal, parent, name, err) < 0)
		return -1;
	while (removal->depth > 0) {
		struct level *level = &removal->levels[removal->depth - 1];
		const struct dirent64 *entry;
		int more = refill(level, err);

		if (more < 0 || (more == 0 && leave(removal, parent, err) < 0))
			return -1;
		if (more == 0)
			continue;
		entry = (const struct dirent64 *)(level->batch + level->at);
		level->at += entry->d_reclen;
		if (remove_entry(removal, level, entry, err) < 0)
			return -1;
	}
	return 0;
}

int remove_tree(int parent, const char *name, uint64_t *count, struct error *err)
{
	struct removal removal = {0};
	int result;

	if (unlinkat(parent, name, 0) == 0) {
		*count += 1;
		return 0;
	}
	if (errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return failed(err, name);
	removal.levels = malloc(LEVELS * sizeof(*removal.levels));
	if (!removal.levels)
		return error_system(err, ENOMEM, "remove", "cannot allocate buffers");
	result = remove_directory(&removal, parent, name, err);
	*count += removal.count;
	close_levels(&removal);
	return result;
}
