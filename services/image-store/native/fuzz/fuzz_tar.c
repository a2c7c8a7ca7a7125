/* SPDX-License-Identifier: Apache-2.0
 *
 * The tar reader and the names, fed with anything. The first byte says how large the pieces of input are. Header
 * checksums are made right first, or hardly any input would get past them.
 */
#include <stdlib.h>
#include <string.h>

#include "name.h"
#include "tar.h"

#define INPUT_MAX (1u << 16)

struct feed {
	const uint8_t *bytes;
	size_t left;
	size_t piece;
	uint8_t *copy; /* a block of its own for each piece: reading outside it is found */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int next(void *context, const uint8_t **data, size_t *length, struct error *err)
{
	struct feed *feed = context;

	(void)err;
	free(feed->copy);
	feed->copy = NULL;
	if (feed->left == 0)
		return 0;
	*length = feed->left < feed->piece ? feed->left : feed->piece;
	feed->copy = malloc(*length);
	memcpy(feed->copy, feed->bytes, *length);
	feed->bytes += *length;
	feed->left -= *length;
	*data = feed->copy;
	return 1;
}

static void mend_checksum(uint8_t *block)
{
	unsigned sum = 8 * ' ';

	for (int i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? 0 : block[i];
	for (int i = 0; i < 6; i++)
		block[153 - i] = (uint8_t)('0' + (sum >> (3 * i) & 7));
	block[154] = '\0';
	block[155] = ' ';
}

static void check_name(const char *raw)
{
	static struct name name;
	struct error err;
	enum name_kind kind;

	if (name_parse(&name, raw, &err) < 0)
		return;
	if (strlen(name.path) != name.length || name.path[0] == '/' || strstr(name.path, "/../") ||
	    strstr(name.path, "//"))
		abort();
	(void)name_classify(&name, &kind, &err);
}

static void read_all(struct feed *feed)
{
	static struct tar_entry entry;
	static struct tar_reader reader;
	struct error err;
	const uint8_t *data;
	size_t length;
	uint64_t offset;

	if (tar_open(&reader, (struct tar_source){next, feed}, &err) < 0)
		return;
	while (tar_next(&reader, &entry, &err) > 0) {
		check_name(entry.path);
		check_name(entry.link);
		while (tar_data(&reader, &entry, &data, &length, &offset, &err) > 0)
			if (length == 0 || offset + length > entry.size)
				abort();
	}
	tar_close(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[INPUT_MAX];
	struct feed feed = {.bytes = bytes};

	if (size < 1 || size > INPUT_MAX)
		return 0;
	feed.piece = 1 + data[0] * 7u;
	feed.left = size - 1;
	memcpy(bytes, data + 1, size - 1);
	for (size_t at = 0; at + 512 <= feed.left; at += 512)
		if (memcmp(bytes + at + 257, "ustar", 5) == 0)
			mend_checksum(bytes + at);
	read_all(&feed);
	free(feed.copy);
	return 0;
}
