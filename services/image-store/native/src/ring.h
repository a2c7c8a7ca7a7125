/* SPDX-License-Identifier: Apache-2.0
 *
 * A ring of buffers between one producer and one or two consumers in other threads. Every consumer sees every
 * buffer, in order; a slot is free again when all of them have let go of it.
 */
#ifndef CAISSON_LAYER_RING_H
#define CAISSON_LAYER_RING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define RING_SLOTS 16
#define RING_CONSUMERS 2

struct ring {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint8_t *memory;
	size_t slot_size;
	unsigned consumers;
	size_t length[RING_SLOTS];
	uint64_t head;                 /* slots published so far */
	uint64_t tail[RING_CONSUMERS]; /* slots released so far, by consumer */
	bool closed;
	bool cancelled;
};

int ring_init(struct ring *ring, size_t slot_size, unsigned consumers, struct error *err);
void ring_free(struct ring *ring);

/* Producer: the next free slot of slot_size bytes, after waiting for it; NULL once cancelled. */
uint8_t *ring_reserve(struct ring *ring);
void ring_publish(struct ring *ring, size_t length);
void ring_close(struct ring *ring);

/* Consumer: the next buffer, after waiting for it; false when the producer closed the ring or it was cancelled. */
bool ring_take(struct ring *ring, unsigned consumer, const uint8_t **data, size_t *length);
void ring_release(struct ring *ring, unsigned consumer);

/* Wakes everybody: the work is given up. */
void ring_cancel(struct ring *ring);

#endif
