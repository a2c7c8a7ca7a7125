/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pace.h"
#include "tar.h"

struct work {
	const struct unpack_options *options;
	struct input input;
	struct tree tree;
	struct tar_reader reader;
	struct tar_entry entry;
	bool holding; /* a slot of the plain ring is in the reader's hands */
	uint64_t taken;
	struct pace pace;
};

static int next_piece(void *context, const uint8_t **data, size_t *length, struct error *err)
{
	struct work *work = context;

	if (work->holding)
		ring_release(&work->input.plain, PLAIN_TAR);
	work->holding = ring_take(&work->input.plain, PLAIN_TAR, data, length);
	if (work->holding) {
		work->taken += *length;
		if (work->options->progress)
			pace_report(&work->pace, work->taken, work->tree.entries);
		return 1;
	}
	if (!work->input.failed)
		return 0;
	*err = work->input.err;
	return -1;
}

static int write_tree(struct work *work, struct error *err)
{
	int more;

	for (;;) {
		more = tar_next(&work->reader, &work->entry, err);
		if (more < 0)
			error_name(err, work->entry.path);
		if (more <= 0)
			return more;
		if (work->options->owned) {
			work->entry.uid = work->options->uid;
			work->entry.gid = work->options->gid;
		}
		if (tree_add(&work->tree, &work->reader, &work->entry, err) < 0)
			return -1;
	}
}

/* Bytes behind the end of the archive belong to the digests. */
static int drain(struct work *work, struct error *err)
{
	const uint8_t *data;
	size_t length;
	int more;

	do
		more = next_piece(work, &data, &length, err);
	while (more > 0);
	return more;
}

static int make_durable(const struct unpack_options *options, struct error *err)
{
	if (!options->sync)
		return 0;
	if (options->input.tee >= 0 && fsync(options->input.tee) < 0)
		return error_system(err, errno, "sync", "cannot write the blob to the disk");
	if (syncfs(options->target) < 0)
		return error_system(err, errno, "sync", "cannot write the tree to the disk");
	return 0;
}

static int run(struct work *work, struct unpack_result *result, struct error *err)
{
	const struct unpack_options *options = work->options;
	struct tar_source source = {.next = next_piece, .context = work};

	if (tree_open(&work->tree, options->target, &options->tree, err) < 0 ||
	    input_start(&work->input, &options->input, err) < 0 || tar_open(&work->reader, source, err) < 0 ||
	    write_tree(work, err) < 0 || drain(work, err) < 0 || tree_close(&work->tree, err) < 0)
		return -1;
	if (options->require_end && !work->reader.ended)
		return error_set(err, REASON_TRUNCATED, "tar", "the archive has no end marker");
	if (input_finish(&work->input, &result->sums, err) < 0 || make_durable(options, err) < 0)
		return -1;
	tar_close(&work->reader);
	result->compression = work->input.compression;
	result->raw_bytes = work->input.raw_bytes;
	result->plain_bytes = work->input.plain_bytes;
	result->content_bytes = work->tree.bytes;
	result->entries = work->tree.entries;
	result->root_opaque = work->tree.root_opaque;
	result->root_entry = work->tree.root_entry;
	return 0;
}

int unpack(const struct unpack_options *options, struct unpack_result *result, struct error *err)
{
	struct work *work = calloc(1, sizeof(*work));

	if (!work)
		return error_system(err, ENOMEM, "setup", "cannot allocate buffers");
	work->options = options;
	pace_start(&work->pace);
	memset(result, 0, sizeof(*result));
	if (run(work, result, err) < 0)
		return -1;
	free(work);
	return 0;
}
