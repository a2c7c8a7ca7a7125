/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 of what passes through a ring, in a thread of its own.
 */
#ifndef CAISSON_LAYER_DIGEST_H
#define CAISSON_LAYER_DIGEST_H

#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "ring.h"

#define DIGEST_TEXT_SIZE 72 /* "sha256:" and 64 digits */

struct digest {
	struct ring *ring;
	unsigned consumer;
	pthread_t thread;
	EVP_MD_CTX *context;
	uint64_t bytes;
	bool failed;
};

int digest_open(struct digest *digest, struct error *err);
int digest_update(struct digest *digest, const void *data, size_t length, struct error *err);
/* Writes "sha256:<hex>" and frees the state. */
int digest_finish(struct digest *digest, char text[DIGEST_TEXT_SIZE], struct error *err);

int digest_start(struct digest *digest, struct ring *ring, unsigned consumer, struct error *err);
/* Waits for the end of the ring; then as digest_finish. */
int digest_join(struct digest *digest, char text[DIGEST_TEXT_SIZE], struct error *err);

#endif
