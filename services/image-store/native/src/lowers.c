/* SPDX-License-Identifier: Apache-2.0 */
#include "lowers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "fd.h"
#include "names.h"
#include "tree_parts.h"
#include "upper.h"

/* 1: layers further down may have more of it; 0: they may not. */
static int add_directory(struct lowers *below, int fd, enum marks_space space, struct error *err)
{
	struct marks marks;

	below->fds[below->count++] = fd;
	if (marks_read(fd, space, &marks, NULL, err) < 0)
		return -1;
	return marks.opaque ? 0 : 1;
}

/* What one layer has of the name: 1 to look further down. */
static int look(int lower, enum marks_space space, const char *name, struct stat *about, bool *found,
		struct lowers *below, struct error *err)
{
	struct stat here;
	int fd;

	if (fstatat(lower, name, &here, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 1 : error_system(err, errno, "walk", "cannot examine an entry of a layer");
	if (tree_is_whiteout(&here) || (*found && !S_ISDIR(here.st_mode)))
		return 0;
	if (!*found)
		*about = here;
	*found = true;
	if (!S_ISDIR(here.st_mode))
		return 0;
	fd = fd_open_child(lower, name);
	if (fd < 0)
		return error_system_as(err, errno == EMFILE ? REASON_LIMIT : REASON_IO, errno, "walk",
				       "cannot open a directory of a layer");
	return add_directory(below, fd, space, err);
}

int lowers_find(const struct lowers *lowers, enum marks_space space, const char *name, struct stat *about,
		struct lowers *below, struct error *err)
{
	bool found = false;
	int more = 1;

	*below = (struct lowers){.fds = calloc(lowers->count + 1, sizeof(int))};
	if (!below->fds)
		return error_system(err, ENOMEM, "walk", "cannot look into the layers");
	for (size_t i = 0; more > 0 && i < lowers->count; i++)
		more = look(lowers->fds[i], space, name, about, &found, below, err);
	if (more < 0)
		lowers_close(below);
	return more < 0 ? -1 : found;
}

void lowers_close(struct lowers *lowers)
{
	for (size_t i = 0; i < lowers->count; i++)
		close(lowers->fds[i]);
	free(lowers->fds);
	*lowers = (struct lowers){.fds = NULL};
}

static bool is_known(const struct names *above, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (names_find(&above[i], name))
			return true;
	return false;
}

struct listing {
	struct names *names; /* one a layer */
	size_t count;
};

static int list_one(const struct lowers *lowers, struct listing *listing, enum marks_space space, uint64_t max,
		    int (*each)(void *context, const char *name, struct error *err), void *context, struct error *err)
{
	const struct marks none = {.opaque = false};
	struct names *names = &listing->names[listing->count];
	int fd = lowers->fds[listing->count];

	if (names_read(names, fd, max, err) < 0)
		return -1;
	listing->count++;
	if (upper_find_whiteouts(fd, space, &none, names, err) < 0)
		return -1;
	for (size_t i = 0; i < names->count; i++) {
		const struct listed *listed = &names->items[i];

		if (listed->whiteout || is_known(listing->names, listing->count - 1, listed->name))
			continue;
		if (each(context, listed->name, err) < 0)
			return -1;
	}
	return 0;
}

int lowers_each(const struct lowers *lowers, enum marks_space space, uint64_t max,
		int (*each)(void *context, const char *name, struct error *err), void *context, struct error *err)
{
	struct listing listing = {.names = calloc(lowers->count + 1, sizeof(struct names))};
	int result = 0;

	if (!listing.names)
		return error_system(err, ENOMEM, "walk", "cannot look into the layers");
	while (result == 0 && listing.count < lowers->count)
		result = list_one(lowers, &listing, space, max, each, context, err);
	for (size_t i = 0; i < listing.count; i++)
		names_free(&listing.names[i]);
	free(listing.names);
	return result;
}
