/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 64

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int loop_init(struct loop *loop)
{
	*loop = (struct loop){ .now_ms = now_ms() };
	list_init(&loop->clocks);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll < 0 ? -1 : 0;
}

int source_add(struct loop *loop, struct source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, source->fd, &event);
}

void source_want(struct loop *loop, struct source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (source->fd >= 0)
		(void)epoll_ctl(loop->epoll, EPOLL_CTL_MOD, source->fd, &event);
}

void source_close(struct loop *loop, struct source *source)
{
	if (source->fd < 0)
		return;
	close(source->fd);
	source->fd = -1;
	source->next_released = loop->released;
	loop->released = source;
}

void clock_init(struct loop *loop, struct clock *clock, int64_t duration_ms)
{
	clock->duration_ms = duration_ms;
	list_init(&clock->running);
	list_append(&loop->clocks, &clock->in_loop);
}

void timer_init(struct timer *timer, void (*ended)(struct loop *loop, struct timer *timer))
{
	timer->ended = ended;
	timer->end_ms = 0;
	list_init(&timer->running);
}

void timer_start(struct loop *loop, struct clock *clock, struct timer *timer)
{
	list_remove(&timer->running);
	timer->end_ms = loop->now_ms + clock->duration_ms;
	list_append(&clock->running, &timer->running);
}

void timer_stop(struct timer *timer)
{
	list_remove(&timer->running);
}

static struct timer *first_timer(const struct clock *clock)
{
	return list_empty(&clock->running) ? NULL : containing(clock->running.next, struct timer, running);
}

static int until_first_end(const struct loop *loop, int timeout_ms)
{
	int64_t least = timeout_ms < 0 ? INT32_MAX : timeout_ms;
	bool any = timeout_ms >= 0;

	for (const struct link *link = loop->clocks.next; link != &loop->clocks; link = link->next) {
		const struct timer *timer = first_timer(containing(link, struct clock, in_loop));

		if (!timer)
			continue;
		any = true;
		if (timer->end_ms - loop->now_ms < least)
			least = timer->end_ms > loop->now_ms ? timer->end_ms - loop->now_ms : 0;
	}
	return any ? (int)least : -1;
}

static void end_timers(struct loop *loop)
{
	list_each(link, &loop->clocks) {
		struct clock *clock = containing(link, struct clock, in_loop);

		for (struct timer *timer = first_timer(clock); timer && timer->end_ms <= loop->now_ms; timer = first_timer(clock)) {
			timer_stop(timer);
			timer->ended(loop, timer);
		}
	}
}

static void release_closed(struct loop *loop)
{
	while (loop->released) {
		struct source *source = loop->released;

		loop->released = source->next_released;
		source->release(source);
	}
}

void loop_free(struct loop *loop)
{
	release_closed(loop);
	close(loop->epoll);
}

int loop_round(struct loop *loop, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(loop->epoll, events, EVENTS, until_first_end(loop, timeout_ms));

	if (count < 0 && errno != EINTR)
		return -1;
	loop->now_ms = now_ms();
	for (int i = 0; i < count; i++) {
		struct source *source = events[i].data.ptr;

		/* An earlier event of this round may have closed it. */
		if (source->fd >= 0)
			source->ready(loop, source, events[i].events);
	}
	end_timers(loop);
	release_closed(loop);
	return 0;
}

int loop_run(struct loop *loop)
{
	while (!loop->stopped)
		if (loop_round(loop, -1) < 0)
			return -1;
	return 0;
}
