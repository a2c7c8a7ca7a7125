/* SPDX-License-Identifier: Apache-2.0
 *
 * Compression as a stream: gzip (RFC 1952, one member without a name or a time) with igzip, zstd (RFC 8878, one frame)
 * with libzstd. The same bytes give the same blob on processors of one kind: igzip has code of its own for each.
 */
#ifndef CAISSON_LAYER_ENCODE_H
#define CAISSON_LAYER_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decode.h"
#include "error.h"

struct encoder {
	enum compression compression;
	void *state; /* of gzip_encode.c or zstd_encode.c */
};

struct encode_step {
	const uint8_t *in;
	size_t in_length;
	uint8_t *out;
	size_t out_length;
	bool last; /* nothing comes behind this input */
};

/* Not for COMPRESSION_NONE. */
int encoder_open(struct encoder *encoder, enum compression compression, struct error *err);
/* Moves the step's pointers on by what was consumed and produced. 1: it comes back with no room left, call it again with
 * more; 0: all of the input is taken, and with `last` everything is put out; or -1. */
int encoder_run(struct encoder *encoder, struct encode_step *step, struct error *err);
void encoder_close(struct encoder *encoder);

/* For encode.c. */
void *gzip_encode_open(void);
int gzip_encode_run(void *state, struct encode_step *step, struct error *err);
void gzip_encode_close(void *state);
void *zstd_encode_open(void);
int zstd_encode_run(void *state, struct encode_step *step, struct error *err);
void zstd_encode_close(void *state);

#endif
