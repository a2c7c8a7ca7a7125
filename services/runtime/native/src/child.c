/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "become.h"
#include "descriptor.h"
#include "kernel.h"
#include "place.h"
#include "root.h"
#include "sync.h"
#include "sysctl.h"

/* The descriptors of a child, from its first instructions on; nothing of the monitor's stays open. */
#define CHILD_SYNC 3
#define CHILD_OTHER 4
#define CHILD_USER 5
#define CHILD_FDS 3
#define CHILD_HIGH 64
#define CHILD_KEPT 512

static _Noreturn void give_up(const struct error *err)
{
	sync_send_error(CHILD_SYNC, err);
	_exit(1);
}

/* The monitor blocks its signals; it handles and ignores none. */
static void unblock_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Keeps descriptors (-1: none) as 3, 4 and 5, and closes all others from there on. */
static int keep_only(const int keep[CHILD_FDS], struct error *err)
{
	int high[CHILD_FDS], i;

	for (i = 0; i < CHILD_FDS; i++)
		high[i] = keep[i] < 0 ? -1 : fcntl(keep[i], F_DUPFD_CLOEXEC, CHILD_HIGH);
	for (i = 0; i < CHILD_FDS; i++) {
		if (keep[i] < 0)
			(void)close(CHILD_SYNC + i);
		else if (high[i] < 0 || dup3(high[i], CHILD_SYNC + i, O_CLOEXEC) < 0)
			return fail(err, STEP_INTERNAL, "keep a descriptor", NULL);
	}
	if (kernel_close_range(CHILD_SYNC + CHILD_FDS, ~0u, 0) < 0)
		return fail(err, STEP_INTERNAL, "close descriptors", NULL);
	return 0;
}

/* The container's root: in its own user namespace the first who has any right there. */
static int become_root(bool mapped, struct error *err)
{
	if (!mapped)
		return 0;
	if (setgroups(0, NULL) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
		return fail(err, STEP_NAMESPACE, "become the container's root", NULL);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return fail(err, STEP_INTERNAL, "hide from the container", NULL);
	return 0;
}

static int join_keyring(struct error *err)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
		return fail(err, STEP_INTERNAL, "make a session keyring", NULL);
	return 0;
}

static int set_names(const struct plan *plan, struct error *err)
{
	struct record record;

	if (plan_find(plan, PLAN_HOSTNAME, &record) && sethostname(record_string(&record, 0), record.size - 1) < 0)
		return fail(err, STEP_NAMESPACE, "set the host name", NULL);
	if (plan_find(plan, PLAN_DOMAINNAME, &record) && setdomainname(record_string(&record, 0), record.size - 1) < 0)
		return fail(err, STEP_NAMESPACE, "set the domain name", NULL);
	return 0;
}

/* Before the root may become read-only. When it cannot be made, entering it says why. */
static void make_directory(const struct plan *plan, int root)
{
	autoclose int directory = -1;
	struct record record;

	if (plan_find(plan, PLAN_CWD, &record) && record_u32(&record, 0) & CWD_MAKE)
		directory = root_make(root, record_string(&record, 4), false);
}

/* Everything that is the container's own view of the system. The descriptor of the root, or -1. */
static int build(const struct plan *plan, struct stdio *stdio, struct error *err)
{
	autoclose int root = place_root(plan, CHILD_SYNC, err);

	if (root < 0 || place_mounts(plan, CHILD_SYNC, root, err) < 0 || stdio_make(plan, root, true, stdio, err) < 0 ||
	    place_covers(plan, root, err) < 0)
		return -1;
	make_directory(plan, root);
	if (place_pivot(plan, root, err) < 0)
		return -1;
	return descriptor_take(&root);
}

/* The namespaces that clone3 could not make, or that must wait for another one. */
static int complete_namespaces(const struct plan *plan, struct error *err)
{
	if (plan->namespaces & CLONE_NEWCGROUP && unshare(CLONE_NEWCGROUP) < 0)
		return fail(err, STEP_NAMESPACE, "make a control group namespace", NULL);
	return 0;
}

static int create(const struct plan *plan, struct error *err)
{
	struct become become = { .root = -1 };
	bool later;

	if (sync_expect(CHILD_SYNC, SYNC_GO, NULL, 0) < 0)
		return fail(err, STEP_INTERNAL, "wait for the monitor", NULL);
	if (setsid() < 0)
		return fail(err, STEP_INTERNAL, "make a session", NULL);
	if (sysctl_write_as_host(plan, &later, err) < 0 || complete_namespaces(plan, err) < 0 ||
	    become_root((plan->namespaces | plan->joined) & CLONE_NEWUSER, err) < 0 || join_keyring(err) < 0 ||
	    set_names(plan, err) < 0 || sysctl_write_as_root(plan, later, err) < 0)
		return -1;
	become.root = build(plan, &become.stdio, err);
	if (become.root < 0)
		return -1;
	become.init = plan_find(plan, PLAN_INIT, &(struct record){ 0 }) ? CHILD_OTHER : -1;
	return become_program(plan, CHILD_SYNC, &become, err);
}

/* A pid namespace whose init is gone takes no new process: ENOMEM. */
static int second_process(uint64_t namespaces, struct error *err)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = namespaces | CLONE_PARENT | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
	};
	pid_t pid = kernel_clone3(&args);

	if (pid < 0)
		return fail(err, errno == ENOMEM ? STEP_TARGET : STEP_NAMESPACE, "make a process in the container", NULL);
	if (pid == 0)
		return 0;
	/* Not its number: that may be one of another pid namespace. */
	if (sync_send(CHILD_SYNC, SYNC_SECOND, 0, &pidfd, 1) < 0)
		return fail(err, STEP_INTERNAL, "tell the monitor", NULL);
	_exit(0);
}

/* Namespaces that are made after it belong to a user namespace: so it is joined first, by a process of its own. */
static int join_user(const struct plan *plan, struct error *err)
{
	if (sync_expect(CHILD_SYNC, SYNC_GO, NULL, 0) < 0)
		return fail(err, STEP_INTERNAL, "wait for the monitor", NULL);
	if (setns(CHILD_USER, CLONE_NEWUSER) < 0)
		return fail(err, STEP_NAMESPACE, "join the user namespace", NULL);
	(void)close(CHILD_USER);
	return second_process(plan->namespaces & ~(uint64_t)CLONE_NEWCGROUP, err);
}

_Noreturn void child_create(const struct plan *plan, int sync, int init, int user)
{
	const int keep[CHILD_FDS] = { sync, init, user };
	struct error err;

	(void)umask(0);
	unblock_signals();
	/* Nobody is in the container yet who could look. A call for each would cost more than what they are opened for. */
	descriptor_kept_below = CHILD_KEPT;
	if (keep_only(keep, &err) == 0 && (user < 0 || join_user(plan, &err) == 0))
		(void)create(plan, &err);
	give_up(&err);
}

static int run_inside(const struct plan *plan, struct error *err)
{
	struct become become = { .init = -1 };

	if (kernel_close_range(CHILD_OTHER, ~0u, 0) < 0)
		return fail(err, STEP_INTERNAL, "close descriptors", NULL);
	/* Its first word must not come before the word of it. */
	if (sync_expect(CHILD_SYNC, SYNC_GO, NULL, 0) < 0)
		return fail(err, STEP_INTERNAL, "wait for the monitor", NULL);
	if (setsid() < 0)
		return fail(err, STEP_INTERNAL, "make a session", NULL);
	if (become_root(plan->namespaces & CLONE_NEWUSER, err) < 0 || join_keyring(err) < 0)
		return -1;
	become.root = descriptor_open("/", O_PATH | O_DIRECTORY);
	if (become.root < 0)
		return fail(err, STEP_ROOT, "open the root", NULL);
	if (stdio_make(plan, become.root, false, &become.stdio, err) < 0)
		return -1;
	return become_program(plan, CHILD_SYNC, &become, err);
}

static int enter(const struct plan *plan, struct error *err)
{
	if (sync_expect(CHILD_SYNC, SYNC_GO, NULL, 0) < 0)
		return fail(err, STEP_INTERNAL, "wait for the monitor", NULL);
	if (plan->namespaces && setns(CHILD_OTHER, (int)plan->namespaces) < 0)
		return fail(err, errno == ESRCH ? STEP_TARGET : STEP_NAMESPACE, "enter the container", NULL);
	if (second_process(0, err) < 0)
		return -1;
	return run_inside(plan, err);
}

_Noreturn void child_exec(const struct plan *plan, int sync, int target)
{
	const int keep[CHILD_FDS] = { sync, target, -1 };
	struct error err;

	(void)umask(0);
	unblock_signals();
	if (keep_only(keep, &err) == 0)
		(void)enter(plan, &err);
	give_up(&err);
}
