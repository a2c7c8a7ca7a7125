/* SPDX-License-Identifier: Apache-2.0 */
#include "tree_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fd.h"
#include "file_read.h"
#include "tree_links.h"
#include "path.h"
#include "select.h"
#include "tar_writer.h"
#include "walk.h"
#include "xattrs_read.h"

#define OUTPUT_SIZE (256u * 1024u)

struct reading {
	const struct tree_read_options *options;
	struct tree_read_result *result;
	struct tar_writer writer;
	struct tree_links links;
	struct xattrs xattrs;
	const char *prefix; /* the name of what is read now; "": what is in it comes without */
	char path[2 * TAR_PATH_MAX + 2];
	char target[TAR_PATH_MAX + 1];
	size_t filled;
	uint8_t buffer[OUTPUT_SIZE];
};

static int flush(struct reading *reading, struct error *err)
{
	size_t filled = reading->filled;

	reading->filled = 0;
	return fd_write_all(reading->options->output, reading->buffer, filled, "output", err);
}

static int buffer(void *context, const uint8_t *data, size_t length, struct error *err)
{
	struct reading *reading = context;

	if (reading->filled + length > OUTPUT_SIZE && flush(reading, err) < 0)
		return -1;
	if (length >= OUTPUT_SIZE)
		return fd_write_all(reading->options->output, data, length, "output", err);
	memcpy(reading->buffer + reading->filled, data, length);
	reading->filled += length;
	return 0;
}

static int data(void *context, const uint8_t *bytes, size_t length, struct error *err)
{
	struct reading *reading = context;

	reading->result->bytes += length;
	return tar_writer_data(&reading->writer, bytes, length, err);
}

static enum tar_type type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return TAR_FILE;
	case S_IFDIR:
		return TAR_DIR;
	case S_IFLNK:
		return TAR_SYMLINK;
	case S_IFCHR:
		return TAR_CHAR;
	case S_IFBLK:
		return TAR_BLOCK_DEVICE;
	default:
		return TAR_FIFO;
	}
}

static struct tar_item describe(const struct reading *reading, const struct stat *about)
{
	const struct tree_read_options *options = reading->options;
	bool moded = options->moded && !S_ISLNK(about->st_mode);

	return (struct tar_item){
		.type = type_of(about->st_mode),
		.path = reading->path,
		.mode = moded ? options->mode : S_ISLNK(about->st_mode) ? 0777 : about->st_mode & 07777,
		.uid = options->owned ? options->uid : about->st_uid,
		.gid = options->owned ? options->gid : about->st_gid,
		.size = S_ISREG(about->st_mode) ? (uint64_t)about->st_size : 0,
		.major = major(about->st_rdev),
		.minor = minor(about->st_rdev),
		.mtime = about->st_mtim,
	};
}

/* What has content or attributes that only an open file tells. */
static int add_opened(struct reading *reading, const struct walk_entry *entry, struct tar_item *item, struct error *err)
{
	bool file = item->type == TAR_FILE;
	AUTO_FD int fd = path_reopen(entry->fd, file ? O_RDONLY : O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return path_failed(err, entry->path, "cannot open it");
	if (xattrs_read(fd, &reading->xattrs, err) < 0)
		return -1;
	item->xattrs = &reading->xattrs;
	if (tar_writer_entry(&reading->writer, item, err) < 0)
		return -1;
	return file ? file_read(fd, item->size, false, data, reading, err) : 0;
}

static int add(struct reading *reading, const struct walk_entry *entry, struct error *err)
{
	struct tar_item item = describe(reading, &entry->about);

	if (item.type != TAR_DIR && entry->about.st_nlink > 1 &&
	    tree_links_meet(&reading->links, entry->about.st_dev, entry->about.st_ino, reading->path, &item.link, err) < 0)
		return -1;
	if (item.link) {
		item.type = TAR_HARDLINK;
		item.size = 0;
		return tar_writer_entry(&reading->writer, &item, err);
	}
	/* A place where something else is mounted: what is there in this file system cannot be seen. */
	if (entry->foreign) {
		item.size = 0;
		item.uid = item.gid = 0;
		item.mode = item.type == TAR_DIR ? 0755 : 0644;
		return tar_writer_entry(&reading->writer, &item, err);
	}
	if (item.type == TAR_SYMLINK) {
		if (path_read_link(entry->fd, reading->target, sizeof(reading->target), err) < 0)
			return -1;
		item.link = reading->target;
	}
	if (item.type == TAR_FILE || item.type == TAR_DIR)
		return add_opened(reading, entry, &item, err);
	return tar_writer_entry(&reading->writer, &item, err);
}

static int visit(void *context, const struct walk_entry *entry, struct error *err)
{
	struct reading *reading = context;
	const char *between = reading->prefix[0] != '\0' && entry->path[0] != '\0' ? "/" : "";

	if (entry->path[0] != '\0' && tree_source_excludes(&reading->options->source, entry->path))
		return 0;
	snprintf(reading->path, sizeof(reading->path), "%s%s%s", reading->prefix, between, entry->path);
	/* The directory whose content is wanted is not part of it. */
	if (reading->path[0] == '\0' && S_ISDIR(entry->about.st_mode))
		return 1;
	reading->result->entries++;
	return add(reading, entry, err) < 0 ? -1 : 1;
}

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Without slashes at its ends; "." and ".." name nothing. */
static int name_of(const struct reading *reading, const char *path, bool directory, char name[TAR_PATH_MAX + 1])
{
	const struct tree_read_options *options = reading->options;
	size_t length;

	while (*path == '/')
		path++;
	length = strlen(path);
	while (length > 0 && path[length - 1] == '/')
		length--;
	if (length > TAR_PATH_MAX)
		return -1;
	memcpy(name, path, length);
	name[length] = '\0';
	if (!options->parents)
		memmove(name, last_component(name), strlen(last_component(name)) + 1);
	if (!options->parents && (strcmp(name, ".") == 0 || strcmp(name, "..") == 0))
		name[0] = '\0';
	if (options->name && (directory || options->name[0] != '\0'))
		snprintf(name, TAR_PATH_MAX + 1, "%s", options->name);
	return 0;
}

static int take(void *context, const char *path, int fd, struct error *err)
{
	struct reading *reading = context;
	const struct tree_source *source = &reading->options->source;
	const struct walk_options walk = {
		.one_mount = source->one_mount,
		.max_entries = source->max_entries,
		.visit = visit,
		.context = reading,
	};
	char name[TAR_PATH_MAX + 1];
	struct stat about;

	if (fstat(fd, &about) < 0)
		return path_failed(err, path, "cannot examine it");
	if (name_of(reading, path, S_ISDIR(about.st_mode), name) < 0)
		return error_set(err, REASON_INVALID, "path", "a path is too long");
	if (!S_ISDIR(about.st_mode) && tree_source_excludes(source, last_component(path)))
		return 0;
	if (S_ISSOCK(about.st_mode))
		return error_set(err, REASON_INVALID, "path", "a socket cannot be copied");
	reading->prefix = name;
	return walk_tree(fd, &walk, err);
}

static int take_paths(struct reading *reading, int root, struct error *err)
{
	const struct tree_source *source = &reading->options->source;
	const struct selection selection = {.take = take, .context = reading};

	for (size_t i = 0; i < source->count; i++) {
		AUTO_FD int fd = -1;

		if (source->patterns) {
			if (select_paths(root, source->paths[i], &selection, err) < 0)
				return -1;
			continue;
		}
		fd = path_open(root, source->paths[i], source->follow, err);
		if (fd < 0 || take(reading, source->paths[i], fd, err) < 0)
			return -1;
	}
	return 0;
}

int tree_read(int root, const struct tree_read_options *options, struct tree_read_result *result, struct error *err)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	const struct tar_sink sink = {.write = buffer, .context = reading};

	if (!reading)
		return error_system(err, ENOMEM, "setup", "cannot allocate buffers");
	memset(result, 0, sizeof(*result));
	reading->options = options;
	reading->result = result;
	if (tree_source_check(&options->source, err) < 0 || tar_writer_open(&reading->writer, &sink, err) < 0 ||
	    take_paths(reading, root, err) < 0)
		return -1;
	if (tar_writer_close(&reading->writer, err) < 0 || flush(reading, err) < 0)
		return -1;
	tar_writer_free(&reading->writer);
	tree_links_free(&reading->links);
	free(reading);
	return 0;
}
