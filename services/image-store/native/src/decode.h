/* SPDX-License-Identifier: Apache-2.0
 *
 * Decompression as a stream: gzip (RFC 1952, any number of members) with igzip, zstd (RFC 8878, any number of frames)
 * with libzstd, or none. The kind is told by the first bytes, never by a media type.
 */
#ifndef CAISSON_LAYER_DECODE_H
#define CAISSON_LAYER_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };

/* The largest window a zstd frame may ask for: 2^27, 128 MiB. */
#define DECODE_WINDOW_LOG_MAX 27

const char *compression_word(enum compression compression);

/* `length` may be less than the longest magic number: then the input is that short. */
int decode_detect(const uint8_t *data, size_t length, enum compression *compression, struct error *err);

struct decoder {
	enum compression compression;
	void *state; /* of gzip.c or zstd.c */
};

struct decode_step {
	const uint8_t *in;
	size_t in_length;
	uint8_t *out;
	size_t out_length;
};

int decoder_open(struct decoder *decoder, enum compression compression, struct error *err);
/* Moves the step's pointers on by what was consumed and produced. It comes back with no input left or no room left. */
int decoder_run(struct decoder *decoder, struct decode_step *step, struct error *err);
/* The input has ended: is this a good place? */
int decoder_end(struct decoder *decoder, struct error *err);
void decoder_close(struct decoder *decoder);

#endif
