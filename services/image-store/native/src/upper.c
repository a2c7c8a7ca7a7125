/* SPDX-License-Identifier: Apache-2.0 */
#include "upper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fd.h"
#include "tree_parts.h"

int upper_stat(int directory, const char *name, struct stat *about, struct error *err)
{
	if (fstatat(directory, name, about, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : error_system(err, errno, "walk", "cannot examine an entry");
}

static bool is_gone(int number)
{
	return number == ENOENT || number == ELOOP || number == ENOTDIR || number == ENXIO;
}

int upper_open(int directory, const char *name, bool is_directory, int *fd, struct stat *about, struct error *err)
{
	*fd = is_directory ? fd_open_child(directory, name) : fd_open_file(directory, name);
	if (*fd < 0)
		return is_gone(errno) ? 0 : error_system(err, errno, "walk", "cannot open an entry");
	if (fstat(*fd, about) < 0) {
		error_system(err, errno, "walk", "cannot examine an entry");
		fd_close(fd);
		return -1;
	}
	if (is_directory || S_ISREG(about->st_mode))
		return 1;
	fd_close(fd);
	*fd = -1;
	return 0;
}

/* An empty file with a mark, in a directory that says that it may have such ones. */
static int is_marked(int directory, const char *name, enum marks_space space, bool *whiteout, struct error *err)
{
	struct marks marks = {.whiteout = false};
	struct stat about;
	AUTO_FD int fd = -1;
	int there = upper_open(directory, name, false, &fd, &about, err);

	if (there <= 0)
		return there;
	if (about.st_size == 0 && marks_read(fd, space, &marks, NULL, err) < 0)
		return -1;
	*whiteout = marks.whiteout;
	return 0;
}

static int find_whiteout(int directory, enum marks_space space, const struct marks *above, struct listed *listed,
			 struct error *err)
{
	struct stat about = {.st_mode = 0};

	if (listed->type != DT_CHR && listed->type != DT_UNKNOWN && !(above->whiteouts && listed->type == DT_REG))
		return 0;
	if (upper_stat(directory, listed->name, &about, err) < 0)
		return -1;
	listed->whiteout = tree_is_whiteout(&about);
	if (!above->whiteouts || !S_ISREG(about.st_mode) || about.st_size > 0)
		return 0;
	return is_marked(directory, listed->name, space, &listed->whiteout, err);
}

int upper_find_whiteouts(int directory, enum marks_space space, const struct marks *above, struct names *names,
			 struct error *err)
{
	for (size_t i = 0; i < names->count; i++)
		if (find_whiteout(directory, space, above, &names->items[i], err) < 0)
			return -1;
	return 0;
}
