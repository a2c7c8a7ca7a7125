/* SPDX-License-Identifier: Apache-2.0 */
#include "launch.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "cgroup.h"
#include "caps.h"
#include "child.h"
#include "descriptor.h"
#include "dev.h"
#include "files.h"
#include "kernel.h"
#include "mounts.h"
#include "namespaces.h"
#include "sync.h"
#include "sysctl.h"

/* Times 2 ms: how long the end of a child is waited for that was not killed. */
#define REAP_TRIES 1000

struct birth {
	int cgroup; /* v2 directory, or -1 */
	int user;   /* user namespace to join, or -1 */
	int target; /* exec: pidfd of the container's init, or -1 */
};

/* Makes the child. It gets `ends[1]`; the monitor keeps `ends[0]`. */
static int give_birth(const struct plan *plan, const struct birth *birth, uint64_t namespaces, struct launch *launch,
		      struct error *err)
{
	struct clone_args args = { .flags = namespaces | CLONE_PIDFD | CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD };
	struct record record;
	int ends[2], init = plan_find(plan, PLAN_INIT, &record) ? MONITOR_FD_INIT : -1;

	if (sync_pair(ends) < 0)
		return fail(err, STEP_INTERNAL, "make a socket pair", NULL);
	if (birth->cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)birth->cgroup;
	}
	args.pidfd = (uint64_t)(uintptr_t)&launch->pidfd;
	launch->pid = kernel_clone3(&args);
	if (launch->pid == 0) {
		if (plan->kind == PLAN_KIND_EXEC)
			child_exec(plan, ends[1], birth->target);
		child_create(plan, ends[1], init, birth->user);
	}
	(void)close(ends[1]);
	launch->sync = ends[0];
	if (launch->pid > 0)
		return 0;
	launch->pid = 0;
	return fail(err, birth->target >= 0 && errno == ENODEV ? STEP_TARGET : STEP_NAMESPACE, "make the process", NULL);
}

/* A value that may not be set is left at what it is: only the kernel knows how low one may go. */
static int set_oom_score(const struct plan *plan, pid_t pid, struct error *err)
{
	struct record record;
	char path[64], text[22] = "-";
	int32_t value;

	if (!plan_find(plan, PLAN_OOM_SCORE_ADJ, &record))
		return 0;
	value = (int32_t)record_u32(&record, 0);
	files_format(text + (value < 0), (uint64_t)(value < 0 ? -value : value));
	files_proc_path(path, pid, "oom_score_adj");
	if (files_write(AT_FDCWD, path, text, strlen(text)) < 0 && errno != EACCES && errno != EPERM)
		return fail(err, STEP_INTERNAL, "set the oom score", NULL);
	return 0;
}

/* What must be before the child's first step: its groups, its score, its limits. */
static int settle(const struct plan *plan, const struct birth *birth, const struct launch *launch, struct error *err)
{
	if (cgroup_join(plan, launch->pid, birth->cgroup >= 0, err) < 0 || set_oom_score(plan, launch->pid, err) < 0)
		return -1;
	caps_raise_limits(plan, launch->pid);
	return 0;
}

static int go(const struct launch *launch, struct error *err)
{
	if (sync_send(launch->sync, SYNC_GO, 0, NULL, 0) < 0)
		return fail(err, STEP_INTERNAL, "let the process go", NULL);
	return 0;
}

static int reap(int pidfd)
{
	siginfo_t info;
	int result;

	do
		result = waitid(WAIT_PIDFD, (id_t)pidfd, &info, WEXITED);
	while (result < 0 && errno == EINTR);
	return result;
}

/* The first process made a second one, in its place, and is gone. */
static int follow_second(struct launch *launch, struct error *err)
{
	struct sync_message message;
	int fds[SYNC_MAX_FDS], got = sync_receive(launch->sync, &message, fds);

	if (got > 0 && message.kind == SYNC_ERROR) {
		*err = message.error;
		return -1;
	}
	if (got <= 0 || message.kind != SYNC_SECOND || fds[0] < 0)
		return fail_code(err, STEP_TARGET, ESRCH, "the container ended", NULL);
	(void)reap(launch->pidfd);
	descriptor_close(&launch->pidfd);
	launch->pidfd = fds[0];
	launch->pid = files_pid_of(fds[0]);
	return launch->pid > 0 ? 0 : fail_code(err, STEP_TARGET, ESRCH, "the container ended", NULL);
}

static int open_owner(const struct plan *plan, const struct launch *launch, struct owner *owner, struct error *err)
{
	int64_t uid = dev_map_id(plan, PLAN_UID_MAP, 0), gid = dev_map_id(plan, PLAN_GID_MAP, 0);
	char path[64];

	*owner = (struct owner){ .userns = -1 };
	if (!((plan->namespaces | plan->joined) & CLONE_NEWUSER))
		return 0;
	if (uid < 0 || gid < 0)
		return fail_code(err, STEP_NAMESPACE, EINVAL, "no root in the id maps", NULL);
	files_proc_path(path, launch->pid, "ns/user");
	*owner = (struct owner){ descriptor_open(path, O_RDONLY), (uid_t)uid, (gid_t)gid };
	return owner->userns < 0 ? fail(err, STEP_NAMESPACE, "open the user namespace", NULL) : 0;
}

/* sysfs shows the network namespace of who makes it. */
static int make_sysfs(const struct plan *plan, const struct launch *launch, struct origin *origin, int *sysfs,
		      struct error *err)
{
	if (plan->namespaces & CLONE_NEWNET && namespaces_enter_network(launch->pidfd, origin, err) < 0)
		return -1;
	return mounts_sysfs(plan, sysfs, err);
}

static int map_and_mount(const struct plan *plan, const struct birth *birth, struct launch *launch, struct origin *origin,
			 struct error *err)
{
	autoclose int sysfs = -1, userns = -1;
	struct owner owner;

	if ((plan->namespaces & CLONE_NEWUSER && namespaces_map(plan, launch->pid, err) < 0) ||
	    settle(plan, birth, launch, err) < 0 || go(launch, err) < 0)
		return -1;
	if (birth->user >= 0 && (follow_second(launch, err) < 0 || go(launch, err) < 0))
		return -1;
	if (make_sysfs(plan, launch, origin, &sysfs, err) < 0 || namespaces_return(origin, err) < 0 ||
	    open_owner(plan, launch, &owner, err) < 0)
		return -1;
	userns = owner.userns;
	return mounts_send(plan, &owner, sysfs, launch->sync, err);
}

static int begin_create(const struct plan *plan, struct birth *birth, struct launch *launch, struct error *err)
{
	uint64_t first = birth->user < 0 ? plan->namespaces & ~(uint64_t)CLONE_NEWCGROUP : 0;
	struct origin origin = { .count = 0 };
	struct error ignored;
	int result = -1;

	if (namespaces_join(plan, &origin, err) == 0 && sysctl_write_joined(plan, err) == 0 &&
	    give_birth(plan, birth, first, launch, err) == 0)
		result = map_and_mount(plan, birth, launch, &origin, err);
	if (namespaces_return(&origin, result < 0 ? &ignored : err) < 0)
		result = -1;
	return result;
}

/* The container's init as the plan knows it, and not another process that got its pid. */
static int open_target(const struct plan *plan, int *target, struct error *err)
{
	struct record record;
	pid_t pid;

	if (!plan_find(plan, PLAN_EXEC_TARGET, &record))
		return fail_code(err, STEP_PLAN, EINVAL, "exec without a target", NULL);
	pid = (pid_t)record_u32(&record, 0);
	*target = kernel_pidfd_open(pid);
	if (*target < 0)
		return fail(err, STEP_TARGET, "the container ended", NULL);
	/* While the process of the descriptor lives, its pid is its own. */
	if (files_start_time(pid) != record_u64(&record, 4) || kernel_pidfd_send_signal(*target, 0) < 0)
		return fail_code(err, STEP_TARGET, ESRCH, "the container ended", NULL);
	return 0;
}

static int begin_exec(const struct plan *plan, struct birth *birth, struct launch *launch, struct error *err)
{
	if (open_target(plan, &birth->target, err) < 0 || give_birth(plan, birth, 0, launch, err) < 0 ||
	    settle(plan, birth, launch, err) < 0 || go(launch, err) < 0 || follow_second(launch, err) < 0)
		return -1;
	return go(launch, err);
}

/* What the child said before it went says more than that it is gone. */
static void prefer_child_error(const struct launch *launch, struct error *err)
{
	struct sync_message message;
	int fds[SYNC_MAX_FDS], i;

	if (launch->sync < 0 || err->step != STEP_INTERNAL)
		return;
	/* Nothing more comes: what is there is read to its end. */
	(void)shutdown(launch->sync, SHUT_RDWR);
	while (sync_receive(launch->sync, &message, fds) > 0) {
		for (i = 0; i < SYNC_MAX_FDS; i++)
			descriptor_close(&fds[i]);
		if (message.kind == SYNC_ERROR) {
			*err = message.error;
			return;
		}
	}
}

/* An exec that lost its process in the middle lost it with its container. */
static void blame_target(const struct plan *plan, struct error *err)
{
	bool gone = err->code == EPIPE || err->code == ECONNRESET || err->code == ENOENT || err->code == ESRCH;

	if (plan->kind == PLAN_KIND_EXEC && err->step == STEP_INTERNAL && gone)
		(void)fail_code(err, STEP_TARGET, ESRCH, "the container ended", NULL);
}

int launch_begin(const struct plan *plan, struct launch *launch, struct error *err)
{
	struct birth birth = { -1, -1, -1 };
	autoclose int cgroup = -1, user = -1, target = -1;
	int result;

	*launch = (struct launch){ .pidfd = -1, .sync = -1 };
	if (namespaces_open_user(plan, &birth.user, err) < 0)
		return -1;
	user = birth.user;
	result = cgroup_prepare(plan, &birth.cgroup, err);
	cgroup = birth.cgroup;
	if (result == 0)
		result = plan->kind == PLAN_KIND_EXEC ? begin_exec(plan, &birth, launch, err) :
							begin_create(plan, &birth, launch, err);
	target = birth.target;
	if (result == 0) {
		launch->start_time = files_start_time(launch->pid);
		return 0;
	}
	if (launch->pidfd >= 0)
		(void)kernel_pidfd_send_signal(launch->pidfd, SIGKILL);
	prefer_child_error(launch, err);
	blame_target(plan, err);
	launch_abort(launch);
	return -1;
}

/*
 * A second process may be there of which nobody had the time to tell. It ends when it finds the socket closed, and must not
 * be left to the host's init: the container's pid namespace cannot end before it is reaped.
 */
static void reap_others(void)
{
	struct timespec pause = { .tv_nsec = 2000000 };
	siginfo_t info;
	int tries = 0;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0)
			return;
		if (info.si_pid)
			continue;
		if (++tries > REAP_TRIES)
			return;
		(void)nanosleep(&pause, NULL);
	}
}

void launch_abort(struct launch *launch)
{
	if (launch->pidfd >= 0) {
		(void)kernel_pidfd_send_signal(launch->pidfd, SIGKILL);
		(void)reap(launch->pidfd);
	}
	launch->pid = 0;
	descriptor_close(&launch->pidfd);
	descriptor_close(&launch->sync);
	reap_others();
}
