/* SPDX-License-Identifier: Apache-2.0
 *
 * From the end of the main process to the end of the monitor. The order is the promise: output, record on disk, word of
 * it, and only then what can be done again by others.
 */
#include <errno.h>
#include <poll.h>
#include <sys/wait.h>

#include "cgroup.h"
#include "clock.h"
#include "descriptor.h"
#include "kernel.h"
#include "monitor.h"

#define FAREWELL_MS 1000
/* A record that cannot be written is tried for this long: the disk's trouble may pass. */
#define RECORD_TRIES 20
#define RECORD_PAUSE_MS 250

/* A program under caisson-init that was killed: init ended with 128 + SIGKILL for it. */
static bool was_killed(const struct monitor *monitor)
{
	struct record record;

	if (monitor->record.signal == SIGKILL)
		return true;
	return monitor->record.exit_code == 128 + SIGKILL && plan_find(&monitor->plan, PLAN_INIT, &record);
}

static void note_status(struct exit_record *record, const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED) {
		record->exit_code = info->si_status & 0xff;
		return;
	}
	record->signal = (uint32_t)info->si_status;
	record->exit_code = 128 + info->si_status;
	if (info->si_code == CLD_DUMPED)
		record->flags |= EXIT_CORE;
}

void ending_process(struct monitor *monitor)
{
	siginfo_t info = { 0 };

	if (monitor->ended_mono)
		return;
	/* What it had to say comes first: an error, or the end of the socket that says that its program ran. */
	while (monitor->launch.sync >= 0 && !monitor->over)
		starting_event(monitor);
	if (monitor->over || waitid(WAIT_PIDFD, (id_t)monitor->launch.pidfd, &info, WEXITED | WNOHANG) < 0 ||
	    info.si_pid == 0)
		return;
	monitor->ended_mono = clock_ns(CLOCK_MONOTONIC);
	monitor->record.finished_ns = clock_ns(CLOCK_REALTIME);
	monitor_unwatch(monitor, monitor->launch.pidfd);
	note_status(&monitor->record, &info);
	input_drop(&monitor->input);
	connection_resume_input(monitor);
	if (monitor->plan.flags & PLAN_LAUNCH_KILL_CGROUP)
		cgroup_kill(&monitor->plan);
}

static void write_record(struct monitor *monitor)
{
	struct exit_record *record = &monitor->record;
	int tries = 0;

	oom_read(&monitor->plan, &monitor->oom);
	usage_read(&monitor->plan, record);
	record->oom_kills = monitor->oom.seen;
	if (record->oom_kills && was_killed(monitor))
		record->flags |= EXIT_OOM;
	record->started_ns = monitor->started_ns;
	record->run_ns = monitor->ended_mono - monitor->started_mono;
	record->log_segment = monitor->log.segment;
	record->log_bytes = monitor->log.bytes;
	while (state_record(&monitor->state, record) < 0 && ++tries < RECORD_TRIES)
		(void)poll(NULL, 0, RECORD_PAUSE_MS);
}

void ending_continue(struct monitor *monitor)
{
	if (!output_drain(monitor))
		return;
	descriptor_close(&monitor->slave);
	write_record(monitor);
	monitor->phase = MONITOR_EXITED;
	/* Who came at the last moment is told too. */
	if (monitor->listening)
		connection_accept(monitor);
	connection_tell(monitor, NOTICE_EXITED, false);
	cgroup_remove(&monitor->plan);
	state_close(&monitor->state);
	/* A connection that ends says that everything is gone. */
	connection_finish(monitor, FAREWELL_MS);
	monitor->over = true;
}
