/* SPDX-License-Identifier: Apache-2.0
 *
 * caisson-layer: writes one image layer into a directory, in one pass, and says its digests; and makes layers of what a
 * container changed.
 *
 *   caisson-layer unpack --max-bytes N --max-entries N [--format overlay|plain] [--uid-max N] [--lowest] [--tee]
 *                        [--follow] [--sync] [--require-end] [--progress]
 *   caisson-layer digest [--tee] [--sync]     the SHA-256 of the blob
 *   caisson-layer diff --max-bytes N --max-entries N [--compression gzip|zstd|none] [--devices] [--userxattr] [--sync]
 *                      [--progress]           what an upper directory changed, as a layer
 *   caisson-layer changes --max-entries N [--userxattr] [LOWER...]
 *                                             what it changed, as lines {"change":"A"|"C"|"D","path":<hexadecimal>}
 *   caisson-layer remove NAME                 a tree below the directory
 *   caisson-layer sync                        the directory's file system to the disk
 *   caisson-layer tree-stat, tree-read, tree-hash, tree-write   a tree that others use: tree_command.h
 *   caisson-layer quota state                 whether the directory's file system keeps project quotas
 *   caisson-layer quota usage PROJECT         what a project takes
 *   caisson-layer quota set PROJECT BYTES [NAME...]   limits a project, of which the directories NAME below become part
 *
 * With --follow the blob is a file that others still append to: each byte on standard input says that it has grown, and
 * the end of standard input that it is whole.
 *
 * Descriptors: 3 the blob (file or pipe), 4 the directory, 5 a file that gets a copy of the blob (with --tee), or the
 * layer (diff); those that a command does not need may be anything. Its answer is one line of JSON on standard output, after lines of
 * progress if asked: what it did, and status 0; or {"error": {step, errno, reason, path, message}}, and status 1.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "commands.h"
#include "digest.h"
#include "fd.h"
#include "output.h"
#include "quota_command.h"
#include "remove.h"
#include "sandbox.h"
#include "tree_command.h"
#include "unpack.h"

#define UID_MAX 65535u
#define BUFFER_SIZE (256u * 1024u)

static int take_format(const char *text, bool *overlay, struct error *err)
{
	*overlay = text && strcmp(text, "overlay") == 0;
	return *overlay || (text && strcmp(text, "plain") == 0) ? 0 : usage(err, "--format is overlay or plain");
}

/* One option, and its value where it has one: the number of arguments used. */
static int take_option(struct unpack_options *options, const char *name, const char *value, struct error *err)
{
	if (strcmp(name, "--max-bytes") == 0)
		return take_number(value, &options->input.max_bytes, err) < 0 ? -1 : 2;
	if (strcmp(name, "--max-entries") == 0)
		return take_number(value, &options->tree.max_entries, err) < 0 ? -1 : 2;
	if (strcmp(name, "--uid-max") == 0)
		return take_number(value, &options->tree.uid_max, err) < 0 ? -1 : 2;
	if (strcmp(name, "--format") == 0)
		return take_format(value, &options->tree.overlay, err) < 0 ? -1 : 2;
	if (strcmp(name, "--tee") == 0)
		options->input.tee = FD_TEE;
	else if (strcmp(name, "--follow") == 0)
		options->input.growth = STDIN_FILENO;
	else if (strcmp(name, "--sync") == 0)
		options->sync = true;
	else if (strcmp(name, "--require-end") == 0)
		options->require_end = true;
	else if (strcmp(name, "--lowest") == 0)
		options->tree.lowest = true;
	else if (strcmp(name, "--progress") == 0)
		options->progress = true;
	else
		return usage(err, "unknown option");
	return 1;
}

static int take_options(struct unpack_options *options, int argc, char **argv, struct error *err)
{
	for (int i = 0; i < argc;) {
		int used = take_option(options, argv[i], i + 1 < argc ? argv[i + 1] : NULL, err);

		if (used < 0)
			return -1;
		i += used;
	}
	options->tree.max_bytes = options->input.max_bytes;
	return 0;
}

static int run_unpack(int argc, char **argv, struct error *err)
{
	struct unpack_options options = {
		.input = {.blob = FD_BLOB, .tee = -1, .growth = -1, .max_bytes = 0},
		.tree = {.uid_max = UID_MAX, .overlay = true},
		.target = FD_TARGET,
	};
	struct sandbox_options sandbox = {.target = FD_TARGET};
	struct unpack_result result;

	if (take_options(&options, argc, argv, err) < 0)
		return -1;
	if (options.input.max_bytes == 0 || options.tree.max_entries == 0)
		return usage(err, "--max-bytes and --max-entries are needed");
	sandbox.last_fd = options.input.tee < 0 ? FD_TARGET : FD_TEE;
	sandbox.overlay_xattrs = options.tree.overlay;
	if (sandbox_enter(&sandbox, err) < 0 || unpack(&options, &result, err) < 0)
		return -1;
	output_unpacked(&result);
	return 0;
}

static int run_digest(int argc, char **argv, struct error *err)
{
	struct unpack_options options = {.input = {.blob = FD_BLOB, .tee = -1, .growth = -1}};
	struct sandbox_options sandbox = {.target = FD_TARGET};
	static uint8_t buffer[BUFFER_SIZE];
	char text[DIGEST_TEXT_SIZE];
	struct digest digest;
	ssize_t length;

	if (take_options(&options, argc, argv, err) < 0)
		return -1;
	sandbox.last_fd = options.input.tee < 0 ? FD_BLOB : FD_TEE;
	if (sandbox_enter(&sandbox, err) < 0 || digest_open(&digest, err) < 0)
		return -1;
	sandbox_drop_all();
	while ((length = fd_read_full(FD_BLOB, buffer, sizeof(buffer), err)) > 0) {
		if (digest_update(&digest, buffer, (size_t)length, err) < 0)
			return -1;
		if (options.input.tee >= 0 && fd_write_all(FD_TEE, buffer, (size_t)length, "tee", err) < 0)
			return -1;
	}
	if (length < 0 || digest_finish(&digest, text, err) < 0)
		return -1;
	if (options.sync && options.input.tee >= 0 && fsync(FD_TEE) < 0)
		return error_system(err, errno, "sync", "cannot write the blob to the disk");
	output_digest(text, digest.bytes);
	return 0;
}

static int run_remove(int argc, char **argv, struct error *err)
{
	const struct sandbox_options sandbox = {.target = FD_TARGET, .last_fd = FD_TARGET};
	uint64_t count = 0;

	if (argc != 1)
		return usage(err, "one name is expected");
	if (*argv[0] == '\0' || strchr(argv[0], '/') || strcmp(argv[0], ".") == 0 || strcmp(argv[0], "..") == 0)
		return usage(err, "the name must be one component");
	if (sandbox_enter(&sandbox, err) < 0 || remove_tree(FD_TARGET, argv[0], &count, err) < 0)
		return -1;
	output_removed(count);
	return 0;
}

static int run_sync(int argc, struct error *err)
{
	const struct sandbox_options sandbox = {.target = FD_TARGET, .last_fd = FD_TARGET};

	if (argc != 0)
		return usage(err, "sync takes no arguments");
	if (sandbox_enter(&sandbox, err) < 0)
		return -1;
	if (syncfs(FD_TARGET) < 0)
		return error_system(err, errno, "sync", "cannot write the file system to the disk");
	output_synced();
	return 0;
}

static int run(int argc, char **argv, struct error *err)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (tree_command_is(command))
		return tree_command_run(command, argc - 2, argv + 2, err);
	if (strcmp(command, "unpack") == 0)
		return run_unpack(argc - 2, argv + 2, err);
	if (strcmp(command, "digest") == 0)
		return run_digest(argc - 2, argv + 2, err);
	if (strcmp(command, "diff") == 0)
		return run_diff(argc - 2, argv + 2, err);
	if (strcmp(command, "changes") == 0)
		return run_changes(argc - 2, argv + 2, err);
	if (strcmp(command, "remove") == 0)
		return run_remove(argc - 2, argv + 2, err);
	if (strcmp(command, "sync") == 0)
		return run_sync(argc - 2, err);
	/* It reads nothing that a layer wrote, and needs rights that the sandbox takes. */
	if (strcmp(command, "quota") == 0)
		return quota_command(FD_TARGET, argc - 2, argv + 2, err);
	return usage(err, "the command is unpack, digest, diff, changes, remove, sync, quota or one of tree-*");
}

int main(int argc, char **argv)
{
	static struct error err;

	/* One arena: others would reserve more address space than the limit allows. */
	mallopt(M_ARENA_MAX, 1);
	if (run(argc, argv, &err) == 0)
		return 0;
	output_error(&err);
	/* Other threads may still be at work. */
	_exit(1);
}
