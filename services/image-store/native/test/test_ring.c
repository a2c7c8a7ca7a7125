/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "ring.h"
#include "tap.h"
#include "thread.h"

#define ROUNDS 5000u

struct consumer {
	struct ring *ring;
	unsigned index;
	uint64_t seen;
	bool ordered;
};

static void *consume(void *context)
{
	struct consumer *consumer = context;
	const uint8_t *data;
	size_t length;
	uint32_t value;

	consumer->ordered = true;
	while (ring_take(consumer->ring, consumer->index, &data, &length)) {
		memcpy(&value, data, sizeof(value));
		if (length != sizeof(value) || value != consumer->seen)
			consumer->ordered = false;
		consumer->seen++;
		ring_release(consumer->ring, consumer->index);
	}
	return NULL;
}

static void *produce(void *context)
{
	struct ring *ring = context;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint8_t *slot = ring_reserve(ring);

		if (!slot)
			return NULL;
		memcpy(slot, &i, sizeof(i));
		ring_publish(ring, sizeof(i));
	}
	ring_close(ring);
	return NULL;
}

int main(void)
{
	struct ring ring;
	struct error err;
	pthread_t threads[3];
	struct consumer consumers[2] = {{.ring = &ring, .index = 0}, {.ring = &ring, .index = 1}};
	const uint8_t *data;
	size_t length;

	if (!ok(ring_init(&ring, 64, 2, &err) == 0, "makes a ring"))
		return tap_end();
	ok(thread_start(&threads[0], consume, &consumers[0], &err) == 0 &&
		   thread_start(&threads[1], consume, &consumers[1], &err) == 0 &&
		   thread_start(&threads[2], produce, &ring, &err) == 0,
	   "starts a producer and two consumers");
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ok(consumers[0].ordered && consumers[0].seen == ROUNDS, "gives the first consumer every buffer in order");
	ok(consumers[1].ordered && consumers[1].seen == ROUNDS, "gives the second consumer every buffer in order");
	ring_free(&ring);

	ring_init(&ring, 64, 1, &err);
	thread_start(&threads[0], produce, &ring, &err);
	ring_cancel(&ring);
	pthread_join(threads[0], NULL);
	ok(!ring_take(&ring, 0, &data, &length) && !ring_reserve(&ring), "wakes everybody when it is cancelled");
	ring_free(&ring);
	return tap_end();
}
