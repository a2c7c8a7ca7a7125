/* SPDX-License-Identifier: Apache-2.0 */
#include "tree_command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "output.h"
#include "path.h"
#include "sandbox.h"
#include "tree_arguments.h"
#include "tree_hash.h"

#define FD_ARCHIVE 3
#define FD_ROOT 4
#define FD_OUTPUT 5

/* Opens the root as FD_ROOT and gives everything else up. */
static int enter_root(const struct root_options *options, struct error *err)
{
	const struct sandbox_options sandbox = {.target = FD_ROOT, .last_fd = FD_OUTPUT};
	int root = root_open(options, err);

	if (root < 0)
		return -1;
	if (root != FD_ROOT && (dup3(root, FD_ROOT, O_CLOEXEC) < 0 || close(root) < 0))
		return error_system(err, errno, "setup", "cannot keep the root");
	return sandbox_enter(&sandbox, err);
}

static int single_path(const struct tree_arguments *arguments, const char **path, struct error *err)
{
	if (arguments->read.source.count != 1)
		return error_set(err, REASON_INVALID, "arguments", "one path is expected");
	*path = arguments->read.source.paths[0];
	return 0;
}

static int run_stat(struct tree_arguments *arguments, struct error *err)
{
	char target[TAR_PATH_MAX + 1] = "";
	const char *path;
	AUTO_FD int fd = -1;
	struct stat about;

	if (single_path(arguments, &path, err) < 0 || enter_root(&arguments->root, err) < 0)
		return -1;
	fd = path_open(FD_ROOT, path, arguments->read.source.follow, err);
	if (fd < 0)
		return -1;
	if (fstat(fd, &about) < 0)
		return path_failed(err, path, "cannot examine it");
	if (S_ISLNK(about.st_mode) && path_read_link(fd, target, sizeof(target), err) < 0)
		return -1;
	output_stat(&about, target);
	return 0;
}

static int run_read(struct tree_arguments *arguments, struct error *err)
{
	struct tree_read_result result;

	arguments->read.output = FD_OUTPUT;
	if (enter_root(&arguments->root, err) < 0 || tree_read(FD_ROOT, &arguments->read, &result, err) < 0)
		return -1;
	output_read(result.bytes, result.entries);
	return 0;
}

static int run_hash(struct tree_arguments *arguments, struct error *err)
{
	const struct tree_source *source = &arguments->read.source;
	char(*digests)[DIGEST_TEXT_SIZE] = calloc(source->count, sizeof(*digests));

	if (!digests)
		return error_system(err, ENOMEM, "setup", "cannot allocate buffers");
	if (tree_source_check(source, err) < 0 || enter_root(&arguments->root, err) < 0)
		return -1;
	for (size_t i = 0; i < source->count; i++)
		if (tree_hash(FD_ROOT, source->paths[i], source, digests[i], err) < 0)
			return -1;
	output_hashes(digests, source->count);
	free(digests);
	return 0;
}

static int is_root(int fd, bool *root, struct error *err)
{
	struct stat one;
	struct stat other;

	if (fstat(fd, &one) < 0 || fstat(FD_ROOT, &other) < 0)
		return path_failed(err, "", "cannot examine the directory");
	*root = one.st_dev == other.st_dev && one.st_ino == other.st_ino;
	return 0;
}

static int run_write(struct tree_arguments *arguments, struct error *err)
{
	struct unpack_options options = {
		.input = {.blob = FD_ARCHIVE, .tee = -1, .growth = -1, .max_bytes = arguments->max_bytes},
		.tree = {.max_bytes = arguments->max_bytes,
			 .max_entries = arguments->read.source.max_entries,
			 .uid_max = arguments->uid_max,
			 .in_use = true,
			 .keep_kinds = arguments->keep_kinds},
		.owned = arguments->read.owned,
		.uid = arguments->read.uid,
		.gid = arguments->read.gid,
	};
	struct unpack_result result;
	const char *path;

	if (single_path(arguments, &path, err) < 0 || enter_root(&arguments->root, err) < 0)
		return -1;
	options.target = path_open_directory(FD_ROOT, path, arguments->make, err);
	if (options.target < 0 || is_root(options.target, &options.tree.whole, err) < 0 ||
	    unpack(&options, &result, err) < 0)
		return -1;
	output_read(result.content_bytes, result.entries);
	return 0;
}

/* What the kernel's words mean in a tree that others use. */
static enum reason reason_in_use(int number)
{
	switch (number) {
	case ENOENT:
	case EEXIST:
	case ENOTEMPTY:
	case ESTALE:
	case EAGAIN:
		return REASON_RACE;
	case EBUSY:
		return REASON_BUSY;
	case EPERM:
	case EACCES:
		return REASON_DENIED;
	default:
		return REASON_IO;
	}
}

static const struct {
	const char *name;
	int (*run)(struct tree_arguments *arguments, struct error *err);
} commands[] = {{"tree-stat", run_stat}, {"tree-read", run_read}, {"tree-hash", run_hash}, {"tree-write", run_write}};

bool tree_command_is(const char *command)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(command, commands[i].name) == 0)
			return true;
	return false;
}

int tree_command_run(const char *command, int argc, char **argv, struct error *err)
{
	struct tree_arguments arguments;
	int result;

	if (tree_arguments_parse(&arguments, argc, argv, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(command, commands[i].name) != 0)
			continue;
		result = commands[i].run(&arguments, err);
		if (result < 0 && err->reason == REASON_IO && strcmp(err->step, "mount") != 0 &&
		    strcmp(err->step, "setup") != 0)
			err->reason = reason_in_use(err->number);
		free(arguments.lowers);
		free(arguments.excludes);
		return result;
	}
	return error_set(err, REASON_INVALID, "arguments", "no such command");
}
