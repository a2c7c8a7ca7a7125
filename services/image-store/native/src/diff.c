/* SPDX-License-Identifier: Apache-2.0 */
#include "diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fd.h"
#include "links.h"
#include "names.h"
#include "pace.h"
#include "upper.h"
#include "way.h"

#define BUFFER_SIZE (256u * 1024u)
#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"

struct diff {
	const struct diff_options *options;
	struct tar_writer *writer;
	struct diff_result *result;
	struct links links;
	struct pace pace;
	struct way way;
	struct xattrs xattrs;
	uint8_t buffer[BUFFER_SIZE];
};

static int count_entry(struct diff *diff, struct error *err)
{
	if (diff->result->entries >= diff->options->max_entries)
		return error_set(err, REASON_LIMIT, "walk", "more than %llu entries",
				 (unsigned long long)diff->options->max_entries);
	diff->result->entries++;
	if (diff->options->progress)
		pace_report(&diff->pace, diff->result->bytes, diff->result->entries);
	return 0;
}

static struct tar_item item_of(const struct diff *diff, enum tar_type type, const struct stat *about)
{
	return (struct tar_item){
		.type = type,
		.path = diff->way.path,
		.mode = about->st_mode & 07777,
		.uid = about->st_uid,
		.gid = about->st_gid,
		.mtime = about->st_mtim,
	};
}

static int write_whiteout(struct diff *diff, const char *prefix, const char *name, struct error *err)
{
	struct tar_item item = {.type = TAR_FILE, .path = diff->way.path, .mode = 0644};
	size_t before;
	int result;

	if (count_entry(diff, err) < 0 || way_enter(&diff->way, prefix, name, &before, err) < 0)
		return -1;
	result = tar_writer_entry(diff->writer, &item, err);
	way_leave(&diff->way, before);
	return result;
}

/* What lies in another place of the lower layers is not here to be written. */
static int check_whole(const struct marks *marks, struct error *err)
{
	if (!marks->borrowed)
		return 0;
	return error_set(err, REASON_UNSAFE_CONTENT, "xattr",
			 "it borrows from a lower layer (redirect or metacopy of overlayfs)");
}

/* 1 when this inode was written under another name: then this one is a link to it. */
static int write_link(struct diff *diff, const struct stat *about, struct error *err)
{
	struct tar_item item = item_of(diff, TAR_HARDLINK, about);

	if (about->st_nlink < 2)
		return 0;
	item.link = links_find(&diff->links, about->st_ino);
	if (!item.link)
		return links_add(&diff->links, about->st_ino, diff->way.path, err);
	return tar_writer_entry(diff->writer, &item, err) < 0 ? -1 : 1;
}

static int pad(struct diff *diff, uint64_t left, struct error *err)
{
	memset(diff->buffer, 0, left < BUFFER_SIZE ? left : BUFFER_SIZE);
	while (left > 0) {
		size_t part = left < BUFFER_SIZE ? (size_t)left : BUFFER_SIZE;

		if (tar_writer_data(diff->writer, diff->buffer, part, err) < 0)
			return -1;
		left -= part;
	}
	return 0;
}

static bool is_same(const struct stat *one, const struct stat *other)
{
	return one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
	       one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

/* As many bytes as the header says, whatever becomes of the file meanwhile. */
static int write_content(struct diff *diff, int fd, const struct stat *about, struct error *err)
{
	uint64_t left = (uint64_t)about->st_size;
	struct stat now;

	while (left > 0) {
		ssize_t length = fd_read_full(fd, diff->buffer, left < BUFFER_SIZE ? (size_t)left : BUFFER_SIZE, err);

		if (length < 0 || tar_writer_data(diff->writer, diff->buffer, (size_t)length, err) < 0)
			return -1;
		if (length == 0)
			break;
		left -= (uint64_t)length;
		diff->result->bytes += (uint64_t)length;
	}
	if (fstat(fd, &now) < 0)
		return error_system(err, errno, "walk", "cannot examine an entry");
	if (left > 0 || !is_same(about, &now))
		diff->result->changed++;
	return pad(diff, left, err);
}

static int check_bytes(const struct diff *diff, const struct stat *about, struct error *err)
{
	uint64_t size = (uint64_t)about->st_size;

	if (diff->result->bytes <= diff->options->max_bytes && size <= diff->options->max_bytes - diff->result->bytes)
		return 0;
	return error_set(err, REASON_LIMIT, "walk", "the files are larger than %llu bytes together",
			 (unsigned long long)diff->options->max_bytes);
}

static int write_file(struct diff *diff, int directory, const char *name, struct error *err)
{
	struct marks marks;
	struct tar_item item;
	struct stat about;
	AUTO_FD int fd = -1;
	int more = upper_open(directory, name, false, &fd, &about, err);

	if (more <= 0) {
		diff->result->changed += more == 0 ? 1 : 0;
		return more;
	}
	more = write_link(diff, &about, err);
	if (more != 0)
		return more < 0 ? -1 : 0;
	if (check_bytes(diff, &about, err) < 0 ||
	    marks_read(fd, diff->options->space, &marks, &diff->xattrs, err) < 0 || check_whole(&marks, err) < 0)
		return -1;
	item = item_of(diff, TAR_FILE, &about);
	item.size = (uint64_t)about.st_size;
	item.xattrs = &diff->xattrs;
	return tar_writer_entry(diff->writer, &item, err) < 0 ? -1 : write_content(diff, fd, &about, err);
}

static int write_symlink(struct diff *diff, int directory, const char *name, const struct stat *about, struct error *err)
{
	struct tar_item item = item_of(diff, TAR_SYMLINK, about);
	char target[TAR_PATH_MAX + 1];
	ssize_t length = readlinkat(directory, name, target, TAR_PATH_MAX);
	int more;

	if (length < 0) {
		diff->result->changed++;
		return errno == ENOENT || errno == EINVAL ? 0 : error_system(err, errno, "walk", "cannot read a symlink");
	}
	target[length] = '\0';
	item.link = target;
	more = write_link(diff, about, err);
	if (more != 0)
		return more < 0 ? -1 : 0;
	return tar_writer_entry(diff->writer, &item, err);
}

static int write_special(struct diff *diff, enum tar_type type, const struct stat *about, struct error *err)
{
	struct tar_item item = item_of(diff, type, about);
	int more = write_link(diff, about, err);

	if (more != 0)
		return more < 0 ? -1 : 0;
	if (type != TAR_FIFO) {
		item.major = major(about->st_rdev);
		item.minor = minor(about->st_rdev);
	}
	return tar_writer_entry(diff->writer, &item, err);
}

static int write_directory(struct diff *diff, int fd, unsigned depth, struct error *err);

static int enter_directory(struct diff *diff, int directory, const char *name, unsigned depth, struct error *err)
{
	struct stat about;
	AUTO_FD int fd = -1;
	int more;

	if (depth > UPPER_DEPTH_MAX)
		return error_set(err, REASON_LIMIT, "walk", "directories are nested more than %u deep", UPPER_DEPTH_MAX);
	more = upper_open(directory, name, true, &fd, &about, err);
	if (more <= 0) {
		diff->result->changed += more == 0 ? 1 : 0;
		return more;
	}
	return write_directory(diff, fd, depth, err);
}

/* Readers would take it for a whiteout, and hide something that the container never removed. */
static int check_name(const char *name, struct error *err)
{
	if (strncmp(name, WHITEOUT, strlen(WHITEOUT)) != 0)
		return 0;
	return error_set(err, REASON_UNSAFE_CONTENT, "whiteout", "the name would be read as a whiteout: rename it");
}

static int write_kind(struct diff *diff, int directory, const char *name, const struct stat *about, unsigned depth,
		      struct error *err)
{
	switch (about->st_mode & S_IFMT) {
	case S_IFREG:
		return write_file(diff, directory, name, err);
	case S_IFDIR:
		return enter_directory(diff, directory, name, depth + 1, err);
	case S_IFLNK:
		return write_symlink(diff, directory, name, about, err);
	case S_IFIFO:
		return write_special(diff, TAR_FIFO, about, err);
	case S_IFCHR:
		return write_special(diff, TAR_CHAR, about, err);
	case S_IFBLK:
		return write_special(diff, TAR_BLOCK_DEVICE, about, err);
	default:
		return error_set(err, REASON_IO, "walk", "an entry of an unknown type");
	}
}

static bool is_left_out(const struct diff *diff, const struct stat *about)
{
	bool device = S_ISCHR(about->st_mode) || S_ISBLK(about->st_mode);

	return S_ISSOCK(about->st_mode) || (device && !diff->options->devices);
}

static int write_child(struct diff *diff, int directory, const char *name, unsigned depth, struct error *err)
{
	struct stat about;
	size_t before;
	int more = upper_stat(directory, name, &about, err);

	if (more <= 0) {
		diff->result->changed += more == 0 ? 1 : 0;
		return more;
	}
	if (is_left_out(diff, &about)) {
		diff->result->skipped++;
		return 0;
	}
	if (count_entry(diff, err) < 0 || way_enter(&diff->way, "", name, &before, err) < 0)
		return -1;
	more = check_name(name, err) < 0 ? -1 : write_kind(diff, directory, name, &about, depth, err);
	if (more < 0)
		error_name(err, diff->way.path);
	way_leave(&diff->way, before);
	return more;
}

static int write_children(struct diff *diff, int fd, const struct marks *marks, struct names *names, unsigned depth,
			  struct error *err)
{
	if (upper_find_whiteouts(fd, diff->options->space, marks, names, err) < 0)
		return -1;
	for (size_t i = 0; i < names->count; i++)
		/* What an opaque directory does not show anyhow needs no whiteout. */
		if (names->items[i].whiteout && !marks->opaque &&
		    write_whiteout(diff, WHITEOUT, names->items[i].name, err) < 0)
			return -1;
	for (size_t i = 0; i < names->count; i++)
		if (!names->items[i].whiteout && write_child(diff, fd, names->items[i].name, depth, err) < 0)
			return -1;
	return 0;
}

static int write_directory(struct diff *diff, int fd, unsigned depth, struct error *err)
{
	struct tar_item item;
	struct marks marks;
	struct names names;
	struct stat about;
	int result;

	if (fstat(fd, &about) < 0)
		return error_system(err, errno, "walk", "cannot examine a directory");
	if (marks_read(fd, diff->options->space, &marks, &diff->xattrs, err) < 0 || check_whole(&marks, err) < 0)
		return -1;
	item = item_of(diff, TAR_DIR, &about);
	item.xattrs = &diff->xattrs;
	if (tar_writer_entry(diff->writer, &item, err) < 0)
		return -1;
	if (marks.opaque && write_whiteout(diff, "", OPAQUE, err) < 0)
		return -1;
	if (names_read(&names, fd, diff->options->max_entries, err) < 0)
		return -1;
	result = write_children(diff, fd, &marks, &names, depth, err);
	names_free(&names);
	return result;
}

int diff_write(const struct diff_options *options, struct tar_writer *writer, struct diff_result *result,
	       struct error *err)
{
	struct diff *diff = calloc(1, sizeof(*diff));
	int status;

	if (!diff)
		return error_system(err, ENOMEM, "setup", "cannot allocate buffers");
	memset(result, 0, sizeof(*result));
	diff->options = options;
	diff->writer = writer;
	diff->result = result;
	pace_start(&diff->pace);
	status = count_entry(diff, err) < 0 ? -1 : write_directory(diff, options->upper, 0, err);
	if (status < 0)
		error_name(err, diff->way.path);
	links_free(&diff->links);
	free(diff);
	return status;
}
