/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tree_parts.h"

/* Of something that cannot be opened. Its name was just made here, so it is what it seems. */
static int set_attributes(const struct dir *parent, const char *last, const struct tar_entry *entry, struct error *err)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, entry->mtime};

	if (entry->uid != 0 || entry->gid != 0 || parent->inherits)
		if (fchownat(parent->fd, last, (uid_t)entry->uid, (gid_t)entry->gid, AT_SYMLINK_NOFOLLOW) < 0)
			return error_system(err, errno, "attributes", "cannot set the owner");
	if (entry->type != TAR_SYMLINK && entry->mode > 0777 && fchmodat(parent->fd, last, entry->mode, 0) < 0)
		return error_system(err, errno, "attributes", "cannot set the mode");
	if (utimensat(parent->fd, last, times, AT_SYMLINK_NOFOLLOW) < 0)
		return error_system(err, errno, "attributes", "cannot set the time");
	return 0;
}

int tree_add_symlink(struct tree *tree, const struct name *name, const struct tar_entry *entry, struct error *err)
{
	const char *last = name_last(name);
	struct dir *parent;
	bool was;

	if (entry->link[0] == '\0')
		return error_set(err, REASON_INVALID, "tar", "a symlink without a target");
	if (tree_parent(tree, name, &parent, err) < 0)
		return -1;
	if (symlinkat(entry->link, parent->fd, last) < 0) {
		if (errno != EEXIST)
			return error_system(err, errno, "create", "cannot make a symlink");
		if (tree_clear(tree, parent, last, &was, err) < 0)
			return -1;
		if (symlinkat(entry->link, parent->fd, last) < 0)
			return error_system(err, errno, "create", "cannot make a symlink");
	}
	return set_attributes(parent, last, entry, err);
}

static int type_bits(enum tar_type type)
{
	if (type == TAR_FIFO)
		return S_IFIFO;
	return type == TAR_CHAR ? S_IFCHR : S_IFBLK;
}

int tree_add_device(struct tree *tree, const struct name *name, const struct tar_entry *entry, struct error *err)
{
	const char *last = name_last(name);
	mode_t mode = (mode_t)type_bits(entry->type) | (entry->mode & 0777);
	dev_t device = makedev(entry->major, entry->minor);
	struct dir *parent;
	bool was;

	if (entry->type == TAR_CHAR && device == 0)
		return error_set(err, REASON_UNSAFE_CONTENT, "create", "a device that overlayfs takes for a whiteout");
	if (entry->type == TAR_FIFO)
		device = 0;
	if (tree_parent(tree, name, &parent, err) < 0 || tree_clear(tree, parent, last, &was, err) < 0)
		return -1;
	if (mknodat(parent->fd, last, mode, device) < 0)
		return error_system(err, errno, "create", "cannot make a device");
	return set_attributes(parent, last, entry, err);
}

static int bad_source(struct error *err, const char *why)
{
	return error_set(err, REASON_UNSAFE_CONTENT, "link", "the target of a hard link %s", why);
}

static int find_source(struct tree *tree, const struct name *source, struct dir **dir, struct stat *about,
		       struct error *err)
{
	enum name_kind kind = NAME_ORDINARY;

	if (tree->options.overlay && name_classify(source, &kind, err) < 0)
		return -1;
	if (kind != NAME_ORDINARY || source->length == 0)
		return bad_source(err, "is not a file");
	if (dirs_find(&tree->dirs, source->path, source->parent, dir, err) < 0)
		return -1;
	if (!*dir || fstatat((*dir)->fd, name_last(source), about, AT_SYMLINK_NOFOLLOW) < 0)
		return bad_source(err, "does not exist in the layer");
	if (S_ISDIR(about->st_mode))
		return bad_source(err, "is a directory");
	if (tree_is_whiteout(about))
		return bad_source(err, "does not exist in the layer");
	return 0;
}

int tree_add_hardlink(struct tree *tree, const struct name *name, const struct tar_entry *entry, struct error *err)
{
	const char *last = name_last(name);
	struct name source;
	struct dir *parent;
	struct dir *from;
	struct stat about;
	struct stat there;
	bool was;

	if (name_parse(&source, entry->link, err) < 0 || tree_parent(tree, name, &parent, err) < 0 ||
	    find_source(tree, &source, &from, &about, err) < 0)
		return -1;
	if (linkat(from->fd, name_last(&source), parent->fd, last, 0) == 0)
		return 0;
	if (errno != EEXIST)
		return error_system(err, errno, "link", "cannot make a hard link");
	/* A link to what is there already: removing it first could remove the only one. */
	if (fstatat(parent->fd, last, &there, AT_SYMLINK_NOFOLLOW) == 0 && there.st_ino == about.st_ino)
		return 0;
	if (tree_clear(tree, parent, last, &was, err) < 0)
		return -1;
	/* The cache was perhaps emptied, and the source perhaps went with what was cleared. */
	if (find_source(tree, &source, &from, &about, err) < 0)
		return -1;
	if (linkat(from->fd, name_last(&source), parent->fd, last, 0) < 0)
		return error_system(err, errno, "link", "cannot make a hard link");
	return 0;
}
