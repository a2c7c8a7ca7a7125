/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tar_parts.h"

/* Offsets in an old GNU header, and in the blocks that continue its map. */
enum {
	OLD_MAP = 386, OLD_MAP_COUNT = 4, OLD_EXTENDED = 482, OLD_REAL_SIZE = 483,
	MORE_COUNT = 21, MORE_EXTENDED = 504,
	PAIR = 24, NUMBER = 12,
};

#define DIGITS_MAX 20

void tar_sparse_clear(struct tar_sparse *sparse)
{
	sparse->count = 0;
}

static int malformed(struct error *err)
{
	return error_set(err, REASON_INVALID, "tar", "malformed map of a sparse file");
}

static int grow(struct tar_sparse *sparse, struct error *err)
{
	size_t capacity = sparse->capacity ? sparse->capacity * 2 : 64;
	struct tar_segment *segments;

	if (sparse->count >= TAR_SEGMENTS_MAX)
		return error_set(err, REASON_LIMIT, "tar", "a sparse file has more than %u pieces", TAR_SEGMENTS_MAX);
	segments = realloc(sparse->segments, capacity * sizeof(*segments));
	if (!segments)
		return error_system(err, ENOMEM, "tar", "cannot hold the map of a sparse file");
	sparse->segments = segments;
	sparse->capacity = capacity;
	return 0;
}

int tar_sparse_add(struct tar_sparse *sparse, uint64_t offset, uint64_t length, struct error *err)
{
	if (sparse->count == sparse->capacity && grow(sparse, err) < 0)
		return -1;
	sparse->segments[sparse->count++] = (struct tar_segment){.offset = offset, .length = length};
	return 0;
}

int tar_sparse_parse_map(struct tar_sparse *sparse, const char *text, size_t length, struct error *err)
{
	const char *end = text + length;
	uint64_t pair[2];
	unsigned have = 0;

	while (text < end) {
		const char *comma = memchr(text, ',', (size_t)(end - text));
		size_t digits = (size_t)((comma ? comma : end) - text);

		if (!tar_decimal(text, digits, &pair[have++]))
			return malformed(err);
		if (have == 2 && tar_sparse_add(sparse, pair[0], pair[1], err) < 0)
			return -1;
		have %= 2;
		text = comma ? comma + 1 : end;
	}
	return have == 0 ? 0 : malformed(err);
}

/* False where the list ends early: an empty pair. */
static int add_pairs(struct tar_sparse *sparse, const uint8_t *pairs, int count, struct error *err)
{
	for (int i = 0; i < count; i++) {
		const uint8_t *pair = pairs + i * PAIR;
		int64_t offset;
		int64_t length;

		if (pair[0] == '\0')
			return 0;
		if (!tar_field_number(pair, NUMBER, &offset) || !tar_field_number(pair + NUMBER, NUMBER, &length))
			return malformed(err);
		if (offset < 0 || length < 0)
			return malformed(err);
		if (tar_sparse_add(sparse, (uint64_t)offset, (uint64_t)length, err) < 0)
			return -1;
	}
	return 0;
}

int tar_sparse_read_old(struct tar_reader *reader, const uint8_t *block, struct tar_entry *entry, struct error *err)
{
	bool more = block[OLD_EXTENDED] != 0;
	int64_t real_size;

	if (!tar_field_number(block + OLD_REAL_SIZE, NUMBER, &real_size) || real_size < 0)
		return malformed(err);
	entry->size = (uint64_t)real_size;
	tar_sparse_clear(&reader->sparse);
	if (add_pairs(&reader->sparse, block + OLD_MAP, OLD_MAP_COUNT, err) < 0)
		return -1;
	while (more) {
		int got = tar_input_block(reader, &block, err);

		if (got < 0)
			return -1;
		if (got == 0)
			return error_set(err, REASON_TRUNCATED, "tar", "the archive ends too early");
		if (add_pairs(&reader->sparse, block, MORE_COUNT, err) < 0)
			return -1;
		more = block[MORE_EXTENDED] != 0;
		/* Blocks that add nothing could go on for ever. */
		if (more && block[(MORE_COUNT - 1) * PAIR] == '\0')
			return malformed(err);
	}
	return 0;
}

struct map_reader {
	struct tar_reader *reader;
	const uint8_t *block;
	size_t at; /* TAR_BLOCK: the next block is needed */
};

static int next_byte(struct map_reader *map, uint8_t *byte, struct error *err)
{
	if (map->at == TAR_BLOCK) {
		if (map->reader->data_left < TAR_BLOCK)
			return malformed(err);
		if (tar_input_copy(map->reader, map->reader->block, TAR_BLOCK, err) < 0)
			return -1;
		map->reader->data_left -= TAR_BLOCK;
		map->block = map->reader->block;
		map->at = 0;
	}
	*byte = map->block[map->at++];
	return 0;
}

/* A decimal number and a newline. */
static int next_number(struct map_reader *map, uint64_t *value, struct error *err)
{
	char digits[DIGITS_MAX];
	size_t count = 0;
	uint8_t byte;

	for (;;) {
		if (next_byte(map, &byte, err) < 0)
			return -1;
		if (byte == '\n')
			break;
		if (count == DIGITS_MAX)
			return malformed(err);
		digits[count++] = (char)byte;
	}
	return tar_decimal(digits, count, value) ? 0 : malformed(err);
}

int tar_sparse_read_map(struct tar_reader *reader, struct error *err)
{
	struct map_reader map = {.reader = reader, .at = TAR_BLOCK};
	uint64_t count;

	tar_sparse_clear(&reader->sparse);
	if (next_number(&map, &count, err) < 0)
		return -1;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t offset;
		uint64_t length;

		if (next_number(&map, &offset, err) < 0 || next_number(&map, &length, err) < 0 ||
		    tar_sparse_add(&reader->sparse, offset, length, err) < 0)
			return -1;
	}
	return 0;
}

int tar_sparse_check(const struct tar_sparse *sparse, uint64_t real_size, uint64_t data, struct error *err)
{
	uint64_t end = 0;
	uint64_t total = 0;

	for (size_t i = 0; i < sparse->count; i++) {
		const struct tar_segment *segment = &sparse->segments[i];

		if (segment->offset < end || __builtin_add_overflow(segment->offset, segment->length, &end) ||
		    end > real_size)
			return malformed(err);
		total += segment->length;
	}
	return total == data ? 0 : malformed(err);
}
