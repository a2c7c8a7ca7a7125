/* SPDX-License-Identifier: Apache-2.0
 *
 * The last stage of writing a layer, in threads of its own: what is written goes into a ring of plain bytes, is
 * compressed from there, and written to the file. The digests are made by threads that follow the rings.
 */
#ifndef CAISSON_LAYER_BLOB_H
#define CAISSON_LAYER_BLOB_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "encode.h"
#include "error.h"
#include "ring.h"
#include "tar_writer.h"

struct blob {
	int fd;
	enum compression compression;
	struct encoder encoder;
	struct ring plain;
	struct ring raw; /* compressed bytes; unused when there is no compression */
	struct digest plain_digest;
	struct digest raw_digest;
	pthread_t thread;
	uint8_t *slot; /* of the plain ring, being filled */
	size_t used;
	uint64_t raw_bytes;
	uint64_t plain_bytes;
	bool failed; /* valid once the plain ring is cancelled or the thread has ended, and err with it */
	struct error err;
};

struct blob_sums {
	char digest[DIGEST_TEXT_SIZE];
	char diff_id[DIGEST_TEXT_SIZE];
	uint64_t raw_bytes;
	uint64_t plain_bytes;
};

/* Starts the threads. The file is written from where it stands. */
int blob_start(struct blob *blob, int fd, enum compression compression, struct error *err);
/* Takes the bytes of the tar. */
struct tar_sink blob_sink(struct blob *blob);
/* Waits until everything is written and frees everything; with `sync` the file is on the disk then. */
int blob_finish(struct blob *blob, bool sync, struct blob_sums *sums, struct error *err);

#endif
