/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "path.h"
#include "remove.h"
#include "tree_parts.h"

/* Removing what is mounted on in another mount namespace would take the mount away there. */
static bool is_mounted_on(int directory, const char *name)
{
	AUTO_FD int fd = path_open_child(directory, name, true);

	return fd < 0 && errno == EXDEV;
}

int tree_clear(struct tree *tree, struct dir *parent, const char *last, bool *was, struct error *err)
{
	struct stat about;
	uint64_t count = 0;

	*was = false;
	if (fstatat(parent->fd, last, &about, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_system(err, errno, "create", "cannot examine what is replaced");
	*was = true;
	if (tree->options.keep_kinds && S_ISDIR(about.st_mode))
		return error_set(err, REASON_KIND, "create", "a directory is there, and something else would replace it");
	if (tree->options.in_use && is_mounted_on(parent->fd, last))
		return error_set(err, REASON_BUSY, "create", "something is mounted on what would be replaced");
	if ((S_ISDIR(about.st_mode) || S_ISLNK(about.st_mode)) && dirs_flush(&tree->dirs, parent, err) < 0)
		return -1;
	return remove_tree(parent->fd, last, &count, err);
}

/* Makes the directory `last` unless it is one. One that takes the place of something else hides what lower layers have
 * there: that something had hidden it before. */
static int make_directory(struct tree *tree, struct dir *parent, const char *last, mode_t mode, bool *made, int *fd,
			  struct error *err)
{
	bool replaced = false;
	struct stat about;

	*made = mkdirat(parent->fd, last, mode) == 0;
	if (!*made && errno != EEXIST)
		return error_system(err, errno, "create", "cannot make a directory");
	if (!*made && fstatat(parent->fd, last, &about, AT_SYMLINK_NOFOLLOW) < 0)
		return error_system(err, errno, "create", "cannot examine a directory");
	if (!*made && !S_ISDIR(about.st_mode)) {
		if (tree->options.keep_kinds)
			return error_set(err, REASON_KIND, "create", "something else is where a directory would be made");
		if (tree_clear(tree, parent, last, &replaced, err) < 0)
			return -1;
		if (mkdirat(parent->fd, last, mode) < 0)
			return error_system(err, errno, "create", "cannot make a directory");
		*made = true;
	}
	*fd = tree->options.in_use ? fd_open_resolved(parent->fd, last, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)
				   : fd_open_child(parent->fd, last);
	if (*fd < 0)
		return error_system(err, errno, "create", "cannot open a directory");
	if (replaced && tree->options.overlay && !tree->options.lowest && tree_make_opaque(*fd, err) < 0) {
		close(*fd);
		return -1;
	}
	return 0;
}

/* What stands where a parent should be may only be a whiteout of this layer: the new directory replaces it. */
static int check_implied(const struct tree *tree, const struct dir *parent, const char *last, struct error *err)
{
	struct stat about;

	if (fstatat(parent->fd, last, &about, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_system(err, errno, "create", "cannot examine a parent directory");
	if (S_ISDIR(about.st_mode) || (tree->options.overlay && tree_is_whiteout(&about)))
		return 0;
	return error_set(err, REASON_UNSAFE_CONTENT, "create", "a parent of the entry is not a directory");
}

static int imply(struct tree *tree, struct dir *parent, const char *path, size_t length, const char *last,
		 struct dir **dir, struct error *err)
{
	bool made;
	int fd;

	if (tree->entries + tree->implied++ >= tree->options.max_entries)
		return error_set(err, REASON_LIMIT, "create", "more than %llu entries",
				 (unsigned long long)tree->options.max_entries);
	if (check_implied(tree, parent, last, err) < 0 || make_directory(tree, parent, last, 0755, &made, &fd, err) < 0)
		return -1;
	if (parent->inherits && (fchown(fd, 0, 0) < 0 || fchmod(fd, 0755) < 0)) {
		close(fd);
		return error_system(err, errno, "create", "cannot set the owner of a directory");
	}
	return dirs_adopt(&tree->dirs, path, length, fd, dir, err);
}

/* The way down from the root, making what is missing. */
static int make_way(struct tree *tree, const char *path, size_t length, struct dir **dir, struct error *err)
{
	char last[NAME_COMPONENT_MAX + 1];
	size_t start = 0;

	if (dirs_find(&tree->dirs, "", 0, dir, err) < 0)
		return -1;
	while (start < length) {
		const char *slash = memchr(path + start, '/', length - start);
		size_t end = slash ? (size_t)(slash - path) : length;
		struct dir *next;

		if (dirs_find(&tree->dirs, path, end, &next, err) < 0)
			return -1;
		if (!next) {
			memcpy(last, path + start, end - start);
			last[end - start] = '\0';
			if (imply(tree, *dir, path, end, last, &next, err) < 0)
				return -1;
		}
		*dir = next;
		start = end + 1;
	}
	return 0;
}

int tree_parent(struct tree *tree, const struct name *name, struct dir **parent, struct error *err)
{
	if (dirs_find(&tree->dirs, name->path, name->parent, parent, err) < 0)
		return -1;
	return *parent ? 0 : make_way(tree, name->path, name->parent, parent, err);
}

static int apply(struct dir *dir, const struct tar_entry *entry, bool plain, struct error *err)
{
	if (!plain && (fchown(dir->fd, (uid_t)entry->uid, (gid_t)entry->gid) < 0 || fchmod(dir->fd, entry->mode) < 0))
		return error_system(err, errno, "attributes", "cannot set the owner of a directory");
	dir->inherits = (entry->mode & S_ISGID) != 0;
	dir->mtime = entry->mtime;
	dir->timed = true;
	return xattrs_apply(&entry->xattrs, dir->fd, err);
}

int tree_add_dir(struct tree *tree, const struct name *name, const struct tar_entry *entry, struct error *err)
{
	bool made = false;
	bool plain;
	struct dir *parent;
	struct dir *dir;
	int fd;

	if (tree_parent(tree, name, &parent, err) < 0)
		return -1;
	if (name->length == 0) {
		tree->root_entry = true;
		return apply(parent, entry, false, err);
	}
	if (make_directory(tree, parent, name_last(name), entry->mode & 0777, &made, &fd, err) < 0)
		return -1;
	/* mkdir was enough for most. */
	plain = made && entry->uid == 0 && entry->gid == 0 && entry->mode <= 0777 && !parent->inherits;
	if (dirs_adopt(&tree->dirs, name->path, name->length, fd, &dir, err) < 0)
		return -1;
	return apply(dir, entry, plain, err);
}
