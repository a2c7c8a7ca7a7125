/* SPDX-License-Identifier: Apache-2.0
 *
 * The first stage of an unpack, in a thread of its own: reads the blob, copies it to the tee, and inflates it into
 * the ring of plain bytes. The digests are made by threads that follow the rings.
 */
#ifndef CAISSON_LAYER_INPUT_H
#define CAISSON_LAYER_INPUT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "decode.h"
#include "digest.h"
#include "error.h"
#include "ring.h"

/* Consumers of the plain ring; the raw ring has only the digest. */
#define PLAIN_DIGEST 0u
#define PLAIN_TAR 1u

struct input_options {
	int blob;
	int tee; /* or -1 */
	int growth; /* while the blob, a file, still grows: what can be read once it has grown, and ends when it is whole; or -1 */
	uint64_t max_bytes;
};

struct input {
	struct input_options options;
	enum compression compression;
	struct decoder decoder;
	struct ring raw; /* compressed bytes; unused when there is no compression: then the plain ring has them */
	struct ring plain;
	struct digest raw_digest;
	struct digest plain_digest;
	pthread_t thread;
	uint8_t first[8]; /* what was read to tell the compression */
	size_t first_length;
	uint64_t raw_bytes;
	uint64_t plain_bytes;
	bool failed; /* valid once the plain ring has ended, and err with it */
	struct error err;
};

struct input_sums {
	char digest[DIGEST_TEXT_SIZE];
	char diff_id[DIGEST_TEXT_SIZE];
};

/* Reads the first bytes and starts the threads. */
int input_start(struct input *input, const struct input_options *options, struct error *err);
/* After the plain ring was taken to its end: waits for the threads and frees everything. */
int input_finish(struct input *input, struct input_sums *sums, struct error *err);

#endif
