/* SPDX-License-Identifier: Apache-2.0
 *
 * Tar archives made block by block, for the tests of the reader.
 */
#ifndef CAISSON_LAYER_ARCHIVE_H
#define CAISSON_LAYER_ARCHIVE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tar.h"

struct archive {
	uint8_t bytes[1 << 19];
	size_t length;
};

static inline void archive_checksum(uint8_t *block)
{
	unsigned sum = 0;

	memset(block + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += block[i];
	snprintf((char *)block + 148, 8, "%06o", sum);
}

/* A ustar header; the caller may change it and compute the checksum again. */
static inline uint8_t *archive_header(struct archive *archive, const char *name, char type, uint64_t size)
{
	uint8_t *block = archive->bytes + archive->length;

	memset(block, 0, 512);
	memcpy(block, name, strlen(name) < 100 ? strlen(name) : 100);
	memcpy(block + 100, "0000644", 8);
	memcpy(block + 108, "0000000", 8);
	memcpy(block + 116, "0000000", 8);
	snprintf((char *)block + 124, 12, "%011llo", (unsigned long long)size);
	memcpy(block + 136, "00000000144", 12);
	block[156] = (uint8_t)type;
	memcpy(block + 257, "ustar\0" "00", 8);
	archive_checksum(block);
	archive->length += 512;
	return block;
}

static inline void archive_data(struct archive *archive, const void *data, size_t length)
{
	size_t padded = (length + 511) / 512 * 512;

	memset(archive->bytes + archive->length, 0, padded);
	memcpy(archive->bytes + archive->length, data, length);
	archive->length += padded;
}

static inline void archive_file(struct archive *archive, const char *name, const char *content)
{
	archive_header(archive, name, '0', strlen(content));
	archive_data(archive, content, strlen(content));
}

static inline void archive_extended(struct archive *archive, char type, const char *data, size_t length)
{
	archive_header(archive, "extended", type, length);
	archive_data(archive, data, length);
}

/* "<length> key=value\n" behind what the buffer has. */
static inline size_t archive_record(char *buffer, size_t at, const char *key, const char *value, size_t length)
{
	size_t rest = strlen(key) + length + 3;
	size_t total = rest + 1;

	while (total < rest + (size_t)snprintf(NULL, 0, "%zu", total))
		total++;
	at += (size_t)sprintf(buffer + at, "%zu %s=", total, key);
	memcpy(buffer + at, value, length);
	at += length;
	buffer[at++] = '\n';
	return at;
}

static inline void archive_end(struct archive *archive)
{
	memset(archive->bytes + archive->length, 0, 1024);
	archive->length += 1024;
}

/* Gives the archive in pieces of a fixed size. */
struct feed {
	const uint8_t *bytes;
	size_t length;
	size_t at;
	size_t piece;
};

static inline int feed_next(void *context, const uint8_t **data, size_t *length, struct error *err)
{
	struct feed *feed = context;
	size_t left = feed->length - feed->at;

	(void)err;
	if (left == 0)
		return 0;
	*data = feed->bytes + feed->at;
	*length = left < feed->piece ? left : feed->piece;
	feed->at += *length;
	return 1;
}

#endif
