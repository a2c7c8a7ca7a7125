/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "tree_parts.h"

static int create(struct tree *tree, struct dir *parent, const char *last, mode_t mode, int *fd, struct error *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	bool was;

	*fd = openat(parent->fd, last, flags, mode);
	if (*fd < 0 && errno == EEXIST) {
		if (tree_clear(tree, parent, last, &was, err) < 0)
			return -1;
		*fd = openat(parent->fd, last, flags, mode);
	}
	return *fd < 0 ? error_system(err, errno, "create", "cannot make a file") : 0;
}

static int write_content(int fd, struct tar_reader *reader, const struct tar_entry *entry, struct error *err)
{
	for (;;) {
		const uint8_t *data;
		size_t length;
		uint64_t offset;
		int more = tar_data(reader, entry, &data, &length, &offset, err);

		if (more <= 0)
			return more;
		if (!entry->sparse && fd_write_all(fd, data, length, "write", err) < 0)
			return -1;
		if (entry->sparse && fd_write_at(fd, data, length, offset, "write", err) < 0)
			return -1;
	}
}

/* In this order: writing and chown take set-id bits and file capabilities away. */
static int set_attributes(int fd, const struct dir *parent, const struct tar_entry *entry, struct error *err)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, entry->mtime};

	if (entry->uid != 0 || entry->gid != 0 || parent->inherits)
		if (fchown(fd, (uid_t)entry->uid, (gid_t)entry->gid) < 0)
			return error_system(err, errno, "attributes", "cannot set the owner of a file");
	if (entry->mode > 0777 && fchmod(fd, entry->mode) < 0)
		return error_system(err, errno, "attributes", "cannot set the mode of a file");
	if (xattrs_apply(&entry->xattrs, fd, err) < 0)
		return -1;
	if (futimens(fd, times) < 0)
		return error_system(err, errno, "attributes", "cannot set the time of a file");
	return 0;
}

int tree_add_file(struct tree *tree, struct tar_reader *reader, const struct name *name, const struct tar_entry *entry,
		  struct error *err)
{
	AUTO_FD int fd = -1;
	struct dir *parent;

	if (tree_parent(tree, name, &parent, err) < 0 ||
	    create(tree, parent, name_last(name), entry->mode & 0777, &fd, err) < 0 ||
	    write_content(fd, reader, entry, err) < 0)
		return -1;
	if (entry->sparse && ftruncate(fd, (off_t)entry->size) < 0)
		return error_system(err, errno, "write", "cannot set the size of a file");
	return set_attributes(fd, parent, entry, err);
}
