/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "clock.h"
#include "monitor.h"

#define EVENTS 16
/* How often a write of the log that failed is tried again. */
#define RETRY_MS 1000
/* How often, and how many times, the counter of kills is looked at after the kernel has spoken of one. */
#define OOM_LOOK_MS 5
#define OOM_LOOKS 40

int monitor_watch(struct monitor *monitor, int fd, uint32_t events, enum source source, uint32_t index)
{
	struct epoll_event event = { .events = events, .data.u64 = (uint64_t)source << 32 | index };

	return epoll_ctl(monitor->epoll, EPOLL_CTL_ADD, fd, &event);
}

void monitor_unwatch(struct monitor *monitor, int fd)
{
	(void)epoll_ctl(monitor->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void see_oom(struct monitor *monitor)
{
	uint64_t before = monitor->oom.seen;

	oom_read(&monitor->plan, &monitor->oom);
	if (monitor->oom.seen == before) {
		monitor->oom.looks -= monitor->oom.looks > 0;
		return;
	}
	monitor->oom.looks = 0;
	connection_tell(monitor, NOTICE_OOM, true);
}

static void dispatch(struct monitor *monitor, const struct epoll_event *event)
{
	uint32_t index = (uint32_t)event->data.u64;

	switch ((enum source)(event->data.u64 >> 32)) {
	case SOURCE_LISTENER:
		connection_accept(monitor);
		break;
	case SOURCE_CONNECTION:
		connection_event(monitor, index, event->events);
		break;
	case SOURCE_OUTPUT:
		output_event(monitor, index);
		break;
	case SOURCE_INPUT:
		input_flush(&monitor->input);
		connection_resume_input(monitor);
		break;
	case SOURCE_PROCESS:
		ending_process(monitor);
		break;
	case SOURCE_SYNC:
		starting_event(monitor);
		break;
	case SOURCE_OOM:
		monitor->oom.looks = OOM_LOOKS;
		see_oom(monitor);
		break;
	}
}

/* Waiting for a reader needs no clock: its word wakes the monitor. Unless the process has ended, which has a deadline. */
static int timeout(const struct monitor *monitor)
{
	if (monitor->oom.looks)
		return OOM_LOOK_MS;
	if (monitor->ended_mono)
		return RETRY_MS;
	return monitor->write_error && monitor->write_error != EAGAIN ? RETRY_MS : -1;
}

void monitor_loop(struct monitor *monitor)
{
	struct epoll_event events[EVENTS];

	while (!monitor->over) {
		int n = epoll_wait(monitor->epoll, events, EVENTS, timeout(monitor)), i;

		for (i = 0; i < n && !monitor->over; i++)
			dispatch(monitor, &events[i]);
		if (monitor->oom.looks && !monitor->over)
			see_oom(monitor);
		if (monitor->write_error && clock_ns(CLOCK_MONOTONIC) >= monitor->retry_mono)
			output_retry(monitor);
		if (monitor->ended_mono && !monitor->over)
			ending_continue(monitor);
	}
}
