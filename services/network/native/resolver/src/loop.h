/* SPDX-License-Identifier: Apache-2.0
 *
 * One epoll loop: descriptors that are waited for, and things that end when their time is over.
 */
#ifndef CAISSON_LOOP_H
#define CAISSON_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"

struct loop;

/* A descriptor in the loop: the first member of what it belongs to. */
struct source {
	int fd; /* negative: closed */
	void (*ready)(struct loop *loop, struct source *source, uint32_t events);
	void (*release)(struct source *source);
	struct source *next_released;
};

/* Everything in one clock lasts equally long, so that what began first ends first. */
struct clock {
	int64_t duration_ms;
	struct link running; /* of struct timer */
	struct link in_loop;
};

struct timer {
	struct link running;
	int64_t end_ms;
	void (*ended)(struct loop *loop, struct timer *timer);
};

struct loop {
	int epoll;
	int64_t now_ms; /* monotonic, of this round */
	bool stopped;
	struct link clocks;
	struct source *released;
};

/* -1 with errno. */
int loop_init(struct loop *loop);
/* Releases what was closed. */
void loop_free(struct loop *loop);

/* Until somebody sets `stopped`. -1 with errno. */
int loop_run(struct loop *loop);

/* One round: waits for `timeout_ms` at most, -1 for as long as it takes. */
int loop_round(struct loop *loop, int timeout_ms);

/* -1 with errno. The descriptor stays the caller's then. */
int source_add(struct loop *loop, struct source *source, uint32_t events);
/* Waits for other events from now on. */
void source_want(struct loop *loop, struct source *source, uint32_t events);
/* Closes it now, and calls `release` when this round is over. Harmless the second time. */
void source_close(struct loop *loop, struct source *source);

void clock_init(struct loop *loop, struct clock *clock, int64_t duration_ms);
void timer_init(struct timer *timer, void (*ended)(struct loop *loop, struct timer *timer));
/* From now, whether it runs or not. */
void timer_start(struct loop *loop, struct clock *clock, struct timer *timer);
void timer_stop(struct timer *timer);

#endif
