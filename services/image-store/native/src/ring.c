/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int ring_init(struct ring *ring, size_t slot_size, unsigned consumers, struct error *err)
{
	memset(ring, 0, sizeof(*ring));
	ring->slot_size = slot_size;
	ring->consumers = consumers;
	ring->memory = malloc(slot_size * RING_SLOTS);
	if (!ring->memory)
		return error_system(err, ENOMEM, "setup", "cannot allocate buffers");
	pthread_mutex_init(&ring->lock, NULL);
	pthread_cond_init(&ring->changed, NULL);
	return 0;
}

void ring_free(struct ring *ring)
{
	if (!ring->memory)
		return;
	pthread_cond_destroy(&ring->changed);
	pthread_mutex_destroy(&ring->lock);
	free(ring->memory);
	ring->memory = NULL;
}

static uint64_t slowest(const struct ring *ring)
{
	uint64_t tail = ring->tail[0];

	for (unsigned i = 1; i < ring->consumers; i++)
		if (ring->tail[i] < tail)
			tail = ring->tail[i];
	return tail;
}

static uint8_t *slot_at(const struct ring *ring, uint64_t index)
{
	return ring->memory + (size_t)(index % RING_SLOTS) * ring->slot_size;
}

uint8_t *ring_reserve(struct ring *ring)
{
	uint8_t *slot = NULL;

	pthread_mutex_lock(&ring->lock);
	while (!ring->cancelled && ring->head - slowest(ring) >= RING_SLOTS)
		pthread_cond_wait(&ring->changed, &ring->lock);
	if (!ring->cancelled)
		slot = slot_at(ring, ring->head);
	pthread_mutex_unlock(&ring->lock);
	return slot;
}

void ring_publish(struct ring *ring, size_t length)
{
	pthread_mutex_lock(&ring->lock);
	ring->length[ring->head % RING_SLOTS] = length;
	ring->head++;
	pthread_cond_broadcast(&ring->changed);
	pthread_mutex_unlock(&ring->lock);
}

void ring_close(struct ring *ring)
{
	pthread_mutex_lock(&ring->lock);
	ring->closed = true;
	pthread_cond_broadcast(&ring->changed);
	pthread_mutex_unlock(&ring->lock);
}

bool ring_take(struct ring *ring, unsigned consumer, const uint8_t **data, size_t *length)
{
	bool taken;

	pthread_mutex_lock(&ring->lock);
	while (!ring->cancelled && !ring->closed && ring->tail[consumer] == ring->head)
		pthread_cond_wait(&ring->changed, &ring->lock);
	taken = !ring->cancelled && ring->tail[consumer] < ring->head;
	if (taken) {
		*data = slot_at(ring, ring->tail[consumer]);
		*length = ring->length[ring->tail[consumer] % RING_SLOTS];
	}
	pthread_mutex_unlock(&ring->lock);
	return taken;
}

void ring_release(struct ring *ring, unsigned consumer)
{
	pthread_mutex_lock(&ring->lock);
	ring->tail[consumer]++;
	pthread_cond_broadcast(&ring->changed);
	pthread_mutex_unlock(&ring->lock);
}

void ring_cancel(struct ring *ring)
{
	pthread_mutex_lock(&ring->lock);
	ring->cancelled = true;
	pthread_cond_broadcast(&ring->changed);
	pthread_mutex_unlock(&ring->lock);
}
