/* SPDX-License-Identifier: Apache-2.0
 *
 * The headers that say more about the entry behind them.
 */
#include <string.h>

#include "tar_parts.h"

void tar_extended_reset(struct tar_reader *reader)
{
	const struct tar_global *global = &reader->global;

	reader->extended = (struct tar_extended){
		.has_uid = global->has_uid, .uid = global->uid,
		.has_gid = global->has_gid, .gid = global->gid,
		.has_mtime = global->has_mtime, .mtime = global->mtime,
	};
}

/* The data of an extended header, terminated, in reader->buffer. */
static int read_extended(struct tar_reader *reader, const uint8_t *block, size_t *length, struct error *err)
{
	uint64_t size;

	if (tar_header_size(block, &size, err) < 0)
		return -1;
	if (size > TAR_EXTENDED_MAX)
		return error_set(err, REASON_LIMIT, "tar", "an extended header is larger than 1 MiB");
	if (tar_input_copy(reader, reader->buffer, size, err) < 0 || tar_input_skip(reader, tar_padding(size), err) < 0)
		return -1;
	reader->buffer[size] = '\0';
	*length = (size_t)size;
	return 0;
}

static int long_name(struct tar_reader *reader, const uint8_t *block, enum tar_name_rank *rank, char *out,
		     struct error *err)
{
	size_t size;
	size_t length;

	if (read_extended(reader, block, &size, err) < 0)
		return -1;
	length = strlen(reader->buffer);
	if (length > TAR_PATH_MAX)
		return error_set(err, REASON_INVALID, "tar", "a path is longer than %u bytes", TAR_PATH_MAX);
	for (size_t i = length; i < size; i++)
		if (reader->buffer[i] != '\0')
			return error_set(err, REASON_INVALID, "tar", "a path contains NUL");
	if (*rank > NAME_GNU)
		return 0;
	*rank = NAME_GNU;
	memcpy(out, reader->buffer, length + 1);
	return 0;
}

int tar_extended_take(struct tar_reader *reader, const uint8_t *block, struct tar_entry *entry, struct error *err)
{
	size_t length;

	switch (block[TAR_TYPE_OFFSET]) {
	case 'x':
		reader->extended.any = true;
		if (read_extended(reader, block, &length, err) < 0)
			return -1;
		return tar_pax_parse(reader, entry, reader->buffer, length, err) < 0 ? -1 : 1;
	case 'g':
		if (read_extended(reader, block, &length, err) < 0)
			return -1;
		if (tar_pax_parse_global(reader, entry, reader->buffer, length, err) < 0)
			return -1;
		/* What stands directly before an entry says more than what holds for all. */
		if (!reader->extended.any)
			tar_extended_reset(reader);
		return 1;
	case 'L':
		reader->extended.any = true;
		return long_name(reader, block, &reader->extended.path_rank, entry->path, err) < 0 ? -1 : 1;
	case 'K':
		reader->extended.any = true;
		return long_name(reader, block, &reader->extended.link_rank, entry->link, err) < 0 ? -1 : 1;
	case 'V': /* the label of a GNU archive */
		return read_extended(reader, block, &length, err) < 0 ? -1 : 1;
	default:
		return 0;
	}
}
