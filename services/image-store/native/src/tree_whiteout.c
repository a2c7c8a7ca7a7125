/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fd.h"
#include "sandbox.h"
#include "tree_parts.h"

bool tree_is_whiteout(const struct stat *about)
{
	return S_ISCHR(about->st_mode) && about->st_rdev == 0;
}

int tree_make_opaque(int fd, struct error *err)
{
	int result;
	int number;

	if (sandbox_privileged(true, err) < 0)
		return -1;
	result = fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0);
	number = errno;
	if (sandbox_privileged(false, err) < 0)
		return -1;
	return result < 0 ? error_system(err, number, "whiteout", "cannot mark a directory as opaque") : 0;
}

/* A whiteout speaks of the lower layers, so its directory must be named by its true path: through a symlink it would
 * speak of another one. */
static int true_parent(struct tree *tree, const struct name *name, const struct tar_entry *entry, struct dir **parent,
		       struct error *err)
{
	char path[TAR_PATH_MAX + 1];
	AUTO_FD int fd = -1;

	if (entry->type != TAR_FILE && entry->type != TAR_HARDLINK)
		return error_set(err, REASON_UNSAFE_CONTENT, "whiteout", "a whiteout is not an empty file");
	if (tree_parent(tree, name, parent, err) < 0)
		return -1;
	if (name->parent == 0)
		return 0;
	for (size_t i = 0; i < name->parent; i++)
		path[i] = name->path[i];
	path[name->parent] = '\0';
	fd = fd_open_plain(tree->dirs.items[0].fd, path);
	if (fd < 0)
		return error_system(err, errno, "whiteout", "a whiteout by way of a symlink");
	return 0;
}

int tree_add_opaque(struct tree *tree, const struct name *name, const struct tar_entry *entry, struct error *err)
{
	struct dir *parent;

	if (true_parent(tree, name, entry, &parent, err) < 0)
		return -1;
	if (tree->options.lowest)
		return 0;
	tree->root_opaque |= name->parent == 0;
	return tree_make_opaque(parent->fd, err);
}

int tree_add_whiteout(struct tree *tree, const struct name *name, const struct tar_entry *entry, struct error *err)
{
	const char *hidden = name_hidden(name);
	struct dir *parent;
	struct stat about;
	AUTO_FD int fd = -1;

	if (true_parent(tree, name, entry, &parent, err) < 0)
		return -1;
	if (tree->options.lowest)
		return 0;
	if (mknodat(parent->fd, hidden, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	if (errno != EEXIST)
		return error_system(err, errno, "whiteout", "cannot make a whiteout");
	/* The layer has an entry of that name. It stays, and hides the lower ones by itself, unless both are
	 * directories. */
	if (fstatat(parent->fd, hidden, &about, AT_SYMLINK_NOFOLLOW) < 0)
		return error_system(err, errno, "whiteout", "cannot examine what a whiteout names");
	if (!S_ISDIR(about.st_mode))
		return 0;
	fd = fd_open_child(parent->fd, hidden);
	if (fd < 0)
		return error_system(err, errno, "whiteout", "cannot open what a whiteout names");
	return tree_make_opaque(fd, err);
}
