/* SPDX-License-Identifier: Apache-2.0
 *
 * From the birth of the child to its program.
 */
#include <errno.h>
#include <sys/socket.h>

#include "cgroup.h"
#include "clock.h"
#include "descriptor.h"
#include "kernel.h"
#include "monitor.h"
#include "standard.h"
#include "sync.h"

#define FAREWELL_MS 1000

void starting_fail(struct monitor *monitor, const struct error *error)
{
	if (monitor->over)
		return;
	monitor->error = *error;
	launch_abort(&monitor->launch);
	if (monitor->groups)
		cgroup_remove(&monitor->plan);
	monitor->failed = true;
	connection_tell(monitor, NOTICE_FAILED, false);
	state_close(&monitor->state);
	connection_finish(monitor, FAREWELL_MS);
	monitor->over = true;
}

static void set_nonblocking(int fd)
{
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void take_input(struct monitor *monitor, int fd, bool terminal)
{
	set_nonblocking(fd);
	monitor->input.fd = fd;
	monitor->input.terminal = terminal;
	input_flush(&monitor->input);
	connection_resume_input(monitor);
}

/* The ends that the child made, see standard.h. */
static void take_stdio(struct monitor *monitor, uint32_t has, int fds[SYNC_MAX_FDS])
{
	int at = 0;

	if (has & STDIO_HAS_TERMINAL) {
		set_nonblocking(fds[0]);
		monitor->terminal = fds[0];
		monitor->slave = fds[1];
		if (has & STDIO_HAS_INPUT)
			take_input(monitor, fcntl(fds[0], F_DUPFD_CLOEXEC, 3), true);
		output_add(monitor, fds[0], LOG_STDOUT);
		return;
	}
	if (has & STDIO_HAS_OUTPUT) {
		set_nonblocking(fds[at]);
		output_add(monitor, fds[at++], LOG_STDOUT);
		set_nonblocking(fds[at]);
		output_add(monitor, fds[at++], LOG_STDERR);
	}
	if (has & STDIO_HAS_INPUT)
		take_input(monitor, fds[at], false);
}

static void become_ready(struct monitor *monitor, const struct sync_message *message, int fds[SYNC_MAX_FDS])
{
	monitor->ready = true;
	take_stdio(monitor, message->value, fds);
	if (!(monitor->plan.flags & PLAN_LAUNCH_BARRIER))
		return;
	monitor->phase = MONITOR_CREATED;
	connection_tell(monitor, NOTICE_CREATED, false);
}

void starting_let_go(struct monitor *monitor)
{
	struct error error;

	if (monitor->let_go || !(monitor->ready || !(monitor->plan.flags & PLAN_LAUNCH_BARRIER)))
		return;
	if (sync_send(monitor->launch.sync, SYNC_EXEC, 0, NULL, 0) < 0 && errno != EPIPE && errno != ECONNRESET) {
		(void)fail(&error, STEP_INTERNAL, "let the program run", NULL);
		starting_fail(monitor, &error);
		return;
	}
	/* When it is gone, its end or its error is on the way. */
	monitor->let_go = true;
}

static void program_runs(struct monitor *monitor)
{
	monitor->started_ns = clock_ns(CLOCK_REALTIME);
	monitor->started_mono = clock_ns(CLOCK_MONOTONIC);
	monitor->phase = MONITOR_RUNNING;
	monitor_unwatch(monitor, monitor->launch.sync);
	descriptor_close(&monitor->launch.sync);
	connection_tell(monitor, NOTICE_STARTED, false);
	oom_watch(&monitor->plan, &monitor->oom);
	if (monitor->oom.fd >= 0)
		(void)monitor_watch(monitor, monitor->oom.fd, monitor->oom.kind == 2 ? EPOLLIN : EPOLLPRI, SOURCE_OOM, 0);
}

static void child_is_gone(struct monitor *monitor)
{
	struct error error;

	(void)fail_code(&error, monitor->plan.kind == PLAN_KIND_EXEC ? STEP_TARGET : STEP_INTERNAL, ESRCH,
			"the process was killed before its program ran", NULL);
	starting_fail(monitor, &error);
}

void starting_event(struct monitor *monitor)
{
	struct sync_message message;
	int fds[SYNC_MAX_FDS], got;

	if (monitor->launch.sync < 0)
		return;
	got = sync_receive(monitor->launch.sync, &message, fds);
	if (got > 0 && message.kind == SYNC_ERROR)
		starting_fail(monitor, &message.error);
	else if (got > 0 && message.kind == SYNC_READY && !monitor->ready)
		become_ready(monitor, &message, fds);
	else if (got <= 0 && monitor->let_go && monitor->ready)
		program_runs(monitor);
	else
		child_is_gone(monitor);
}
