/* SPDX-License-Identifier: Apache-2.0
 *
 * The decoders, fed with anything, twice in pieces of different sizes: where both succeed they must agree.
 */
#include <stdlib.h>
#include <string.h>

#include "decode.h"

#define OUTPUT_MAX (1u << 20)
#define ROOM 4099u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One piece of input, in a block of its own: reading outside it is found. Negative on failure or too much output. */
static int run_piece(struct decoder *decoder, const uint8_t *data, size_t size, uint8_t *out, size_t *done)
{
	uint8_t *piece = malloc(size);
	struct decode_step step = {.in = piece, .in_length = size};
	struct error err;
	int result;

	memcpy(piece, data, size);
	do {
		uint8_t *room = malloc(ROOM);
		size_t got;

		step.out = room;
		step.out_length = ROOM;
		result = decoder_run(decoder, &step, &err);
		got = ROOM - step.out_length;
		if (result == 0 && *done + got > OUTPUT_MAX)
			result = -1;
		if (result == 0) {
			memcpy(out + *done, room, got);
			*done += got;
		}
		free(room);
	} while (result == 0 && (step.in_length > 0 || step.out_length == 0));
	free(piece);
	return result;
}

/* The length of the output, or -1. */
static long decode(const uint8_t *data, size_t size, size_t piece, uint8_t *out)
{
	struct decoder decoder = {0};
	enum compression compression;
	struct error err;
	size_t done = 0;
	int result = 0;

	if (decode_detect(data, size, &compression, &err) < 0 || compression == COMPRESSION_NONE ||
	    decoder_open(&decoder, compression, &err) < 0)
		return -1;
	for (size_t at = 0; at < size && result == 0; at += piece)
		result = run_piece(&decoder, data + at, size - at < piece ? size - at : piece, out, &done);
	if (result == 0)
		result = decoder_end(&decoder, &err);
	decoder_close(&decoder);
	return result < 0 ? -1 : (long)done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t one[OUTPUT_MAX];
	static uint8_t other[OUTPUT_MAX];
	long length;
	long again;

	if (size < 2)
		return 0;
	length = decode(data + 1, size - 1, 1u + data[0], one);
	again = decode(data + 1, size - 1, size, other);
	if (length >= 0 && again >= 0 && (length != again || memcmp(one, other, (size_t)length) != 0))
		abort();
	return 0;
}
