/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tar_parts.h"

static int truncated(struct error *err)
{
	return error_set(err, REASON_TRUNCATED, "tar", "the archive ends too early");
}

/* 1 when the chunk has bytes, 0 at the end of the input. */
static int fill(struct tar_reader *reader, struct error *err)
{
	int more;

	if (reader->left > 0)
		return 1;
	more = reader->source.next(reader->source.context, &reader->chunk, &reader->left, err);
	if (more <= 0)
		reader->left = 0;
	return more;
}

int tar_input_piece(struct tar_reader *reader, uint64_t limit, const uint8_t **data, size_t *length, struct error *err)
{
	int more = fill(reader, err);

	if (more < 0)
		return -1;
	if (more == 0)
		return truncated(err);
	*data = reader->chunk;
	*length = reader->left < limit ? reader->left : (size_t)limit;
	reader->chunk += *length;
	reader->left -= *length;
	return 0;
}

int tar_input_copy(struct tar_reader *reader, void *out, uint64_t length, struct error *err)
{
	char *to = out;

	while (length > 0) {
		const uint8_t *data;
		size_t size;

		if (tar_input_piece(reader, length, &data, &size, err) < 0)
			return -1;
		memcpy(to, data, size);
		to += size;
		length -= size;
	}
	return 0;
}

int tar_input_skip(struct tar_reader *reader, uint64_t length, struct error *err)
{
	while (length > 0) {
		const uint8_t *data;
		size_t size;

		if (tar_input_piece(reader, length, &data, &size, err) < 0)
			return -1;
		length -= size;
	}
	return 0;
}

int tar_input_block(struct tar_reader *reader, const uint8_t **block, struct error *err)
{
	int more = fill(reader, err);

	if (more <= 0)
		return more;
	if (reader->left >= TAR_BLOCK) {
		*block = reader->chunk;
		reader->chunk += TAR_BLOCK;
		reader->left -= TAR_BLOCK;
		return 1;
	}
	if (tar_input_copy(reader, reader->block, TAR_BLOCK, err) < 0)
		return -1;
	*block = reader->block;
	return 1;
}
