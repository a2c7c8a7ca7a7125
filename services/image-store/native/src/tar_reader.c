/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tar.h"
#include "tar_parts.h"

int tar_open(struct tar_reader *reader, struct tar_source source, struct error *err)
{
	memset(reader, 0, sizeof(*reader));
	reader->source = source;
	reader->buffer = malloc(TAR_EXTENDED_MAX + 1);
	return reader->buffer ? 0 : error_system(err, ENOMEM, "setup", "cannot allocate buffers");
}

void tar_close(struct tar_reader *reader)
{
	free(reader->buffer);
	free(reader->sparse.segments);
	reader->buffer = NULL;
	reader->sparse.segments = NULL;
}

static int skip_rest(struct tar_reader *reader, struct error *err)
{
	uint64_t rest = reader->data_left;
	uint32_t padding = reader->padding;

	reader->data_left = 0;
	reader->padding = 0;
	if (tar_input_skip(reader, rest, err) < 0)
		return -1;
	return tar_input_skip(reader, padding, err);
}

static int type_of(uint8_t flag, enum tar_type *type, struct error *err)
{
	switch (flag) {
	case '\0':
	case '0':
	case '7':
	case 'S':
		*type = TAR_FILE;
		return 0;
	case '1':
		*type = TAR_HARDLINK;
		return 0;
	case '2':
		*type = TAR_SYMLINK;
		return 0;
	case '3':
		*type = TAR_CHAR;
		return 0;
	case '4':
		*type = TAR_BLOCK_DEVICE;
		return 0;
	case '5':
	case 'D': /* GNU: a directory with a list of its names as data */
		*type = TAR_DIR;
		return 0;
	case '6':
		*type = TAR_FIFO;
		return 0;
	default:
		return error_set(err, REASON_INVALID, "tar", "unknown type of entry (0x%02x)", flag);
	}
}

/* The bytes that follow the header. Links, devices and directories have none whatever their size field says. */
static int data_size(struct tar_reader *reader, const uint8_t *block, const struct tar_entry *entry, struct error *err)
{
	uint64_t size = reader->extended.size;

	if (!reader->extended.has_size && tar_header_size(block, &size, err) < 0)
		return -1;
	if (size > INT64_MAX - TAR_BLOCK)
		return error_set(err, REASON_INVALID, "tar", "size out of range");
	if (entry->type != TAR_FILE && block[TAR_TYPE_OFFSET] != 'D')
		size = 0;
	reader->data_left = size;
	reader->padding = tar_padding(size);
	return 0;
}

static int read_sparse(struct tar_reader *reader, const uint8_t *block, struct tar_entry *entry, struct error *err)
{
	const struct tar_extended *extended = &reader->extended;
	bool old = block[TAR_TYPE_OFFSET] == 'S';

	entry->sparse = entry->type == TAR_FILE && (old || extended->sparse);
	if (!entry->sparse)
		return 0;
	if (!old && !extended->has_real_size)
		return error_set(err, REASON_INVALID, "tar", "a sparse file without its size");
	if (!old && extended->sparse_major > 1)
		return error_set(err, REASON_INVALID, "tar", "unknown format of a sparse file");
	entry->size = extended->real_size;
	if (old && tar_sparse_read_old(reader, block, entry, err) < 0)
		return -1;
	if (!old && extended->sparse_major == 1 && tar_sparse_read_map(reader, err) < 0)
		return -1;
	return tar_sparse_check(&reader->sparse, entry->size, reader->data_left, err);
}

static int begin_entry(struct tar_reader *reader, const uint8_t *header, struct tar_entry *entry, struct error *err)
{
	uint8_t block[TAR_BLOCK]; /* reading on would overwrite the caller's */
	size_t length;

	memcpy(block, header, TAR_BLOCK);
	if (type_of(block[TAR_TYPE_OFFSET], &entry->type, err) < 0 ||
	    tar_header_parse(block, &reader->extended, entry, err) < 0 ||
	    data_size(reader, block, entry, err) < 0)
		return -1;
	entry->size = entry->type == TAR_FILE ? reader->data_left : 0;
	if (read_sparse(reader, block, entry, err) < 0)
		return -1;
	/* Before there was a type for directories, a slash said so. */
	length = strlen(entry->path);
	if (entry->type == TAR_FILE && length > 0 && entry->path[length - 1] == '/') {
		entry->type = TAR_DIR;
		entry->size = 0;
	}
	return 1;
}

static void reset(struct tar_reader *reader, struct tar_entry *entry)
{
	tar_extended_reset(reader);
	tar_sparse_clear(&reader->sparse);
	reader->segment = 0;
	reader->segment_done = 0;
	entry->path[0] = '\0';
	entry->link[0] = '\0';
	entry->sparse = false;
	entry->major = 0;
	entry->minor = 0;
	xattrs_clear(&entry->xattrs);
}

static int end_of_archive(struct tar_reader *reader, struct error *err)
{
	const uint8_t *block;
	int got = tar_input_block(reader, &block, err);

	if (got < 0)
		return -1;
	if (got > 0 && !tar_block_is_zero(block))
		return error_set(err, REASON_INVALID, "tar", "an empty header between entries");
	if (reader->extended.any)
		return error_set(err, REASON_INVALID, "tar", "an extended header without an entry");
	reader->ended = true;
	return 0;
}

/* 1 and a header, 0 at the end. */
static int next_header(struct tar_reader *reader, const uint8_t **block, struct error *err)
{
	int got = tar_input_block(reader, block, err);

	if (got < 0)
		return -1;
	if (got == 0)
		return reader->extended.any ? error_set(err, REASON_TRUNCATED, "tar", "the archive ends too early") : 0;
	if (tar_block_is_zero(*block))
		return end_of_archive(reader, err);
	if (!tar_checksum_matches(*block))
		return error_set(err, REASON_INVALID, "tar", "not a tar header: its checksum does not match");
	return 1;
}

int tar_next(struct tar_reader *reader, struct tar_entry *entry, struct error *err)
{
	const uint8_t *block;
	int got;

	if (reader->ended)
		return 0;
	if (skip_rest(reader, err) < 0)
		return -1;
	reset(reader, entry);
	for (;;) {
		got = next_header(reader, &block, err);
		if (got <= 0)
			return got;
		got = tar_extended_take(reader, block, entry, err);
		if (got < 0)
			return -1;
		if (got == 0)
			return begin_entry(reader, block, entry, err);
	}
}

static int take_data(struct tar_reader *reader, uint64_t limit, const uint8_t **data, size_t *length, struct error *err)
{
	if (tar_input_piece(reader, limit, data, length, err) < 0)
		return -1;
	reader->data_left -= *length;
	return 1;
}

int tar_data(struct tar_reader *reader, const struct tar_entry *entry, const uint8_t **data, size_t *length,
	     uint64_t *offset, struct error *err)
{
	const struct tar_sparse *sparse = &reader->sparse;
	const struct tar_segment *segment;

	/* Data behind what is no file says nothing about it; tar_next skips it. */
	if (entry->type != TAR_FILE || reader->data_left == 0)
		return 0;
	if (!entry->sparse) {
		*offset = entry->size - reader->data_left;
		return take_data(reader, reader->data_left, data, length, err);
	}
	while (reader->segment < sparse->count && reader->segment_done == sparse->segments[reader->segment].length) {
		reader->segment++;
		reader->segment_done = 0;
	}
	if (reader->segment == sparse->count)
		return 0;
	segment = &sparse->segments[reader->segment];
	*offset = segment->offset + reader->segment_done;
	if (take_data(reader, segment->length - reader->segment_done, data, length, err) < 0)
		return -1;
	reader->segment_done += *length;
	return 1;
}
