/* SPDX-License-Identifier: Apache-2.0
 *
 * The monitor of one container, or of one exec (control.h says what it is given).
 */
#include "monitor.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "descriptor.h"
#include "kernel.h"
#include "retain.h"

/* Nothing but SIGKILL ends it, and what its own faults raise. The child begins with none blocked. */
static void block_signals(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };
	sigset_t blocked;
	size_t i;

	(void)sigfillset(&blocked);
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		(void)sigdelset(&blocked, faults[i]);
	(void)sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static void harden(void)
{
	block_signals();
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_NAME, "caisson-monitor", 0, 0, 0);
	(void)kernel_close_range(MONITOR_FD_INIT + 1, ~0u, 0);
}

static int prepare(struct monitor *monitor, struct error *err)
{
	size_t i;

	monitor->phase = MONITOR_STARTING;
	monitor->terminal = monitor->slave = -1;
	monitor->outputs[0].fd = monitor->outputs[1].fd = -1;
	monitor->launch.pidfd = monitor->launch.sync = -1;
	monitor->oom.fd = -1;
	for (i = 0; i < MONITOR_CONNECTIONS; i++)
		monitor->connections[i].fd = -1;
	monitor->state.listener = monitor->state.exit = -1;
	monitor->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (monitor->epoll < 0)
		return fail(err, STEP_INTERNAL, "make an epoll", NULL);
	monitor->input = (struct input){ .fd = -1, .epoll = monitor->epoll, .event = (uint64_t)SOURCE_INPUT << 32 };
	for (i = MONITOR_FD_CONTROL; i <= MONITOR_FD_INIT; i++)
		(void)fcntl((int)i, F_SETFD, FD_CLOEXEC);
	connection_add(monitor, MONITOR_FD_CONTROL);
	return 0;
}

/* Everything up to the moment when the child goes on by itself. The plan is whole only in here. */
static int start(struct monitor *monitor, struct error *err)
{
	struct record record;

	if (plan_read(&monitor->plan, MONITOR_FD_PLAN, err) < 0)
		return -1;
	(void)close(MONITOR_FD_PLAN);
	(void)umask(077);
	if (state_open(&monitor->state, MONITOR_FD_STATE, err) < 0 ||
	    log_open(&monitor->log, MONITOR_FD_STATE, &monitor->plan, err) < 0)
		return -1;
	if (monitor->log.held)
		command_hold(monitor, &monitor->connections[0]);
	(void)umask(0);
	monitor->input.open = plan_find(&monitor->plan, PLAN_STDIO, &record) && record_u32(&record, 0) & PLAN_STDIO_STDIN;
	oom_begin(&monitor->plan, &monitor->oom);
	monitor->groups = true;
	if (launch_begin(&monitor->plan, &monitor->launch, err) < 0)
		return -1;
	(void)umask(077);
	(void)close(MONITOR_FD_INIT);
	/* While the child prepares itself. */
	monitor->state.is_volatile = monitor->plan.flags & PLAN_LAUNCH_VOLATILE;
	if (state_sync(&monitor->state, err) < 0 || plan_retain(&monitor->plan, err) < 0)
		return -1;
	return 0;
}

static int watch(struct monitor *monitor, struct error *err)
{
	if (monitor_watch(monitor, monitor->launch.sync, EPOLLIN, SOURCE_SYNC, 0) < 0 ||
	    monitor_watch(monitor, monitor->launch.pidfd, EPOLLIN, SOURCE_PROCESS, 0) < 0 ||
	    monitor_watch(monitor, monitor->state.listener, EPOLLIN, SOURCE_LISTENER, 0) < 0)
		return fail(err, STEP_INTERNAL, "watch the process", NULL);
	monitor->listening = true;
	return 0;
}

int main(void)
{
	static struct monitor monitor;
	struct error err;

	harden();
	if (prepare(&monitor, &err) < 0)
		return 1;
	if (start(&monitor, &err) < 0 || watch(&monitor, &err) < 0)
		starting_fail(&monitor, &err);
	else if (!(monitor.plan.flags & PLAN_LAUNCH_BARRIER))
		starting_let_go(&monitor);
	monitor_loop(&monitor);
	return monitor.failed ? 1 : 0;
}
