/* SPDX-License-Identifier: Apache-2.0 */
#include "changes.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fd.h"
#include "lowers.h"
#include "names.h"
#include "upper.h"
#include "way.h"

struct changes {
	const struct changes_options *options;
	const struct changes_listener *listener;
	uint64_t entries;
	struct way way;
};

/* A directory on the way down, and whether it was named yet. */
struct level {
	struct level *above;
	size_t length; /* of its path */
	bool told;
	int fd;
	struct marks marks;
	bool hides; /* what the layers have there: it is opaque, or below a directory that is */
	struct names names;
	struct lowers lowers;
	unsigned depth;
};

static void tell(const struct changes *changes, char kind, size_t length)
{
	char path[TAR_PATH_MAX + 2] = "/";

	for (size_t i = 0; i < length; i++)
		path[i + 1] = changes->way.path[i];
	changes->listener->tell(changes->listener->context, kind, path, length + 1);
}

static void tell_levels(const struct changes *changes, struct level *level)
{
	if (level->told)
		return;
	if (level->above)
		tell_levels(changes, level->above);
	level->told = true;
	tell(changes, 'C', level->length);
}

/* Of the path where the walk stands; what it is in comes first. */
static void tell_here(const struct changes *changes, struct level *level, char kind)
{
	tell_levels(changes, level);
	tell(changes, kind, changes->way.length);
}

static bool is_same(const struct stat *one, const struct stat *other)
{
	if (one->st_mode != other->st_mode || one->st_uid != other->st_uid || one->st_gid != other->st_gid)
		return false;
	if (S_ISDIR(one->st_mode))
		return true;
	return one->st_rdev == other->st_rdev && one->st_size == other->st_size &&
	       one->st_mtim.tv_sec == other->st_mtim.tv_sec && one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

static int tell_deleted(struct changes *changes, struct level *level, const char *name, struct error *err)
{
	size_t before;

	if (way_enter(&changes->way, "", name, &before, err) < 0)
		return -1;
	tell_here(changes, level, 'D');
	way_leave(&changes->way, before);
	return 0;
}

static int list_level(struct changes *changes, struct level *level, struct error *err);

/* A directory of the upper one; `lowers` is what it is in the layers and is taken over. */
static int list_directory(struct changes *changes, struct level *above, const char *name, bool told,
			  struct lowers *lowers, struct error *err)
{
	struct level *level = calloc(1, sizeof(*level));
	struct stat about;
	int more = level ? 1 : error_system(err, ENOMEM, "walk", "cannot allocate buffers");

	if (more > 0 && above->depth >= UPPER_DEPTH_MAX)
		more = error_set(err, REASON_LIMIT, "walk", "directories are nested more than %u deep", UPPER_DEPTH_MAX);
	if (more > 0) {
		*level = (struct level){.above = above, .length = changes->way.length, .told = told, .fd = -1};
		level->depth = above->depth + 1;
		level->lowers = *lowers;
		more = upper_open(above->fd, name, true, &level->fd, &about, err);
		if (more > 0)
			more = list_level(changes, level, err);
		fd_close(&level->fd);
	}
	lowers_close(lowers);
	free(level);
	return more < 0 ? -1 : 0;
}

static int list_kind(struct changes *changes, struct level *level, const char *name, const struct stat *about,
		     struct error *err)
{
	struct lowers below;
	struct stat was;
	int found = lowers_find(&level->lowers, changes->options->space, name, &was, &below, err);
	bool same = found > 0 && is_same(about, &was);

	if (found < 0)
		return -1;
	if (!same)
		tell_here(changes, level, found ? 'C' : 'A');
	if (S_ISDIR(about->st_mode))
		return list_directory(changes, level, name, !same, &below, err);
	lowers_close(&below);
	return 0;
}

static int list_whiteout(struct changes *changes, struct level *level, const char *name, struct error *err)
{
	struct lowers below;
	struct stat was;
	int found = lowers_find(&level->lowers, changes->options->space, name, &was, &below, err);

	if (found < 0)
		return -1;
	lowers_close(&below);
	return found ? tell_deleted(changes, level, name, err) : 0;
}

static int list_child(struct changes *changes, struct level *level, const struct listed *listed, struct error *err)
{
	struct stat about;
	size_t before;
	int more;

	if (changes->entries++ >= changes->options->max_entries)
		return error_set(err, REASON_LIMIT, "walk", "more than %llu entries",
				 (unsigned long long)changes->options->max_entries);
	if (listed->whiteout)
		return level->hides ? 0 : list_whiteout(changes, level, listed->name, err);
	more = upper_stat(level->fd, listed->name, &about, err);
	if (more <= 0 || way_enter(&changes->way, "", listed->name, &before, err) < 0)
		return more <= 0 ? more : -1;
	more = list_kind(changes, level, listed->name, &about, err);
	if (more < 0)
		error_name(err, changes->way.path);
	way_leave(&changes->way, before);
	return more;
}

struct hidden {
	struct changes *changes;
	struct level *level;
};

static int list_hidden(void *context, const char *name, struct error *err)
{
	const struct hidden *hidden = context;
	const struct listed *here = names_find(&hidden->level->names, name);

	if (here && !here->whiteout)
		return 0;
	return tell_deleted(hidden->changes, hidden->level, name, err);
}

static int list_children(struct changes *changes, struct level *level, struct error *err)
{
	const struct changes_options *options = changes->options;
	struct hidden hidden = {.changes = changes, .level = level};

	if (upper_find_whiteouts(level->fd, options->space, &level->marks, &level->names, err) < 0)
		return -1;
	if (level->hides &&
	    lowers_each(&level->lowers, options->space, options->max_entries, list_hidden, &hidden, err) < 0)
		return -1;
	for (size_t i = 0; i < level->names.count; i++)
		if (list_child(changes, level, &level->names.items[i], err) < 0)
			return -1;
	return 0;
}

static int list_level(struct changes *changes, struct level *level, struct error *err)
{
	int result;

	if (marks_read(level->fd, changes->options->space, &level->marks, NULL, err) < 0)
		return -1;
	if (level->marks.borrowed)
		return error_set(err, REASON_UNSAFE_CONTENT, "xattr",
				 "it borrows from a lower layer (redirect of overlayfs)");
	level->hides = level->marks.opaque || (level->above && level->above->hides);
	if (names_read(&level->names, level->fd, changes->options->max_entries, err) < 0)
		return -1;
	result = list_children(changes, level, err);
	names_free(&level->names);
	return result;
}

int changes_list(const struct changes_options *options, const struct changes_listener *listener, struct error *err)
{
	struct changes *changes = calloc(1, sizeof(*changes));
	struct level root = {.fd = options->upper, .told = true};
	int result;

	if (!changes)
		return error_system(err, ENOMEM, "setup", "cannot allocate buffers");
	changes->options = options;
	changes->listener = listener;
	root.lowers = (struct lowers){.fds = (int *)(uintptr_t)options->lowers, .count = options->lower_count};
	result = list_level(changes, &root, err);
	free(changes);
	return result;
}
