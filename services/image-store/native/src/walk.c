/* SPDX-License-Identifier: Apache-2.0 */
#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fd.h"
#include "tree_names.h"
#include "path.h"
#include "tar.h"

#ifndef MQUEUE_MAGIC
#define MQUEUE_MAGIC 0x19800202
#endif

struct walk {
	const struct walk_options *options;
	uint64_t entries;
	unsigned depth;
	size_t length;
	char path[TAR_PATH_MAX + 1];
};

/* File systems whose files are answers of the kernel. */
static bool is_made_up(int fd)
{
	static const unsigned long magics[] = {
		PROC_SUPER_MAGIC, SYSFS_MAGIC,   CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC,
		DEBUGFS_MAGIC,    TRACEFS_MAGIC, SECURITYFS_MAGIC,   BPF_FS_MAGIC,        MQUEUE_MAGIC,
		NSFS_MAGIC,
	};
	struct statfs about;

	if (fstatfs(fd, &about) < 0)
		return true;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if ((unsigned long)about.f_type == magics[i])
			return true;
	return false;
}

static int go_into(struct walk *walk, const struct walk_entry *above, struct error *err);

static int visit(struct walk *walk, const struct walk_entry *entry, struct error *err)
{
	int descend;

	if (S_ISSOCK(entry->about.st_mode))
		return 0;
	if (walk->entries++ >= walk->options->max_entries)
		return error_set(err, REASON_LIMIT, "walk", "more than %llu entries",
				 (unsigned long long)walk->options->max_entries);
	descend = walk->options->visit(walk->options->context, entry, err);
	if (descend <= 0 || !S_ISDIR(entry->about.st_mode) || entry->foreign)
		return descend < 0 ? -1 : 0;
	return go_into(walk, entry, err);
}

/* Gives -1 with an error, 0 when it is gone, 1. */
static int open_entry(const struct walk *walk, int directory, const char *name, const struct walk_entry *above,
		      struct walk_entry *entry, struct error *err)
{
	entry->foreign = false;
	entry->fd = path_open_child(directory, name, walk->options->one_mount);
	if (entry->fd < 0 && errno == EXDEV && walk->options->one_mount) {
		entry->foreign = true;
		entry->fd = path_open_child(directory, name, false);
	}
	if (entry->fd < 0 && (errno == ENOENT || errno == ESTALE))
		return 0;
	if (entry->fd < 0 || fstat(entry->fd, &entry->about) < 0)
		return path_failed(err, walk->path, "cannot open it");
	if (entry->about.st_dev != above->about.st_dev && is_made_up(entry->fd))
		entry->foreign = true;
	return 1;
}

static int step(struct walk *walk, int directory, const char *name, const struct walk_entry *above, struct error *err)
{
	size_t before = walk->length;
	size_t size = strlen(name);
	struct walk_entry entry = {.path = walk->path, .fd = -1};
	int result;

	if (before + 1 + size > TAR_PATH_MAX)
		return error_set(err, REASON_LIMIT, "walk", "a path is longer than %u bytes", TAR_PATH_MAX);
	if (before > 0)
		walk->path[walk->length++] = '/';
	memcpy(walk->path + walk->length, name, size + 1);
	walk->length += size;
	result = open_entry(walk, directory, name, above, &entry, err);
	if (result > 0)
		result = visit(walk, &entry, err);
	if (result < 0)
		error_name(err, walk->path);
	fd_close(&entry.fd);
	walk->length = before;
	walk->path[before] = '\0';
	return result;
}

static int go_into(struct walk *walk, const struct walk_entry *above, struct error *err)
{
	AUTO_FD int directory = path_reopen(above->fd, O_RDONLY | O_DIRECTORY);
	struct tree_names names;
	int result = 0;

	if (directory < 0)
		return path_failed(err, walk->path, "cannot read the directory");
	if (walk->depth >= WALK_DEPTH_MAX)
		return error_set(err, REASON_LIMIT, "walk", "more than %u directories in one another", WALK_DEPTH_MAX);
	walk->depth++;
	result = tree_names_read(directory, &names, err);
	for (size_t i = 0; result == 0 && i < names.count; i++)
		result = step(walk, directory, names.items[i], above, err);
	tree_names_free(&names);
	walk->depth--;
	return result;
}

int walk_tree(int start, const struct walk_options *options, struct error *err)
{
	struct walk walk = {.options = options};
	struct walk_entry entry = {.path = walk.path, .fd = start};

	if (fstat(start, &entry.about) < 0)
		return path_failed(err, "", "cannot examine it");
	return visit(&walk, &entry, err);
}
