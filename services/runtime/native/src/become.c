/* SPDX-License-Identifier: Apache-2.0 */
#include "become.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "caps.h"
#include "descriptor.h"
#include "exec_search.h"
#include "files.h"
#include "kernel.h"
#include "root.h"
#include "sync.h"

#define DEFAULT_UMASK 022
#define INIT_ARGUMENTS 2

static int enter_directory(const struct plan *plan, int root, struct error *err)
{
	struct record record;
	const char *path = "/";
	bool make = false;
	autoclose int fd = -1;
	char where[4096];

	if (plan_find(plan, PLAN_CWD, &record)) {
		path = record_string(&record, 4);
		make = record_u32(&record, 0) & CWD_MAKE;
	}
	fd = make ? root_make(root, path, false) : root_open(root, path, O_PATH | O_DIRECTORY);
	if (fd < 0 || fchdir(fd) < 0)
		return root_fail(err, STEP_CWD, "enter", path);
	/* The kernel says "(unreachable)..." of a directory outside of the root. */
	if (syscall(SYS_getcwd, where, sizeof(where)) < 0)
		return fail(err, STEP_CWD, "enter", path);
	return where[0] == '/' ? 0 : fail_code(err, STEP_UNSAFE, EXDEV, "outside of the root:", path);
}

/* Pointers to the strings of all records of a type, `before` empty places in front, a last string, and NULL. */
static char **list(const struct plan *plan, enum plan_record type, uint32_t before, const char *last)
{
	uint32_t count = plan_count(plan, type), cursor = 0, at = before;
	struct record record;
	char **strings = mmap(NULL, (before + count + 2) * sizeof(char *), PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (strings == MAP_FAILED)
		return NULL;
	while (plan_next(plan, type, &cursor, &record))
		strings[at++] = (char *)(uintptr_t)record_string(&record, 0);
	strings[at] = (char *)(uintptr_t)last;
	return strings;
}

/* caisson-init gets the number of the socket to report on as its first argument; the socket survives this one exec. */
static int run_init(int init, int sync, char **argv, char **envp)
{
	char number[21];

	files_format(number, (uint64_t)sync);
	argv[0] = (char *)(uintptr_t)"caisson-init";
	argv[1] = number;
	if (fcntl(sync, F_SETFD, 0) == 0)
		(void)syscall(SYS_execveat, init, "", argv, envp, AT_EMPTY_PATH);
	return errno;
}

static int run(const struct plan *plan, int sync, const struct become *become, const struct user *user,
	       struct error *err)
{
	uint32_t before = become->init >= 0 ? INIT_ARGUMENTS : 0;
	char **argv = list(plan, PLAN_ARGV, before, NULL);
	char **envp = list(plan, PLAN_ENV, 0, user->home[0] ? user->home : NULL);

	if (!argv || !envp)
		return fail(err, STEP_INTERNAL, "list arguments", NULL);
	/* The very last step, so that a filter must allow nothing but the exec. */
	if (caps_become(plan, user, err) < 0)
		return -1;
	errno = become->init >= 0 ? run_init(become->init, sync, argv, envp) : exec_search(argv, envp);
	return fail(err, STEP_EXEC, "execute", argv[before]);
}

static int prepare(const struct plan *plan, const struct become *become, struct user *user, struct error *err)
{
	if (user_resolve(plan, become->root, user, err) < 0 || enter_directory(plan, become->root, err) < 0 ||
	    stdio_own(&become->stdio, user, err) < 0)
		return -1;
	return 0;
}

static int settle(const struct plan *plan, const struct become *become, struct error *err)
{
	struct record record;

	if (stdio_install(&become->stdio, err) < 0 || caps_limit(plan, err) < 0)
		return -1;
	/* Whatever was opened on the way: the program gets 0, 1 and 2. */
	if (kernel_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return fail(err, STEP_INTERNAL, "close descriptors", NULL);
	(void)umask(plan_find(plan, PLAN_UMASK, &record) ? (mode_t)record_u32(&record, 0) : DEFAULT_UMASK);
	return 0;
}

int become_program(const struct plan *plan, int sync, struct become *become, struct error *err)
{
	struct user user;

	if (prepare(plan, become, &user, err) < 0)
		return -1;
	if (sync_send(sync, SYNC_READY, become->stdio.has, become->stdio.peer, become->stdio.peers) < 0 ||
	    sync_expect(sync, SYNC_EXEC, NULL, 0) < 0)
		return fail(err, STEP_INTERNAL, "wait for the monitor", NULL);
	if (settle(plan, become, err) < 0)
		return -1;
	return run(plan, sync, become, &user, err);
}
