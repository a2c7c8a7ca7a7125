/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of control groups: signals to all of their processes, and removal.
 */
#include <dirent.h>
#include <errno.h>
#include <time.h>

#include "cgroup.h"
#include "descriptor.h"
#include "files.h"
#include "kernel.h"

#define LIST_BYTES 4096
#define BATCH 64
#define MAX_DEPTH 32
/* A process that was killed needs a moment to leave; one in an uninterruptible call may need long. */
#define KILL_ROUNDS 12
#define REMOVE_ROUNDS 12

struct batch {
	pid_t pids[BATCH];
	int pidfds[BATCH];
	bool member[BATCH];
	int count;
	pid_t floor;
};

static void doze(int round)
{
	struct timespec time = { .tv_nsec = 500000L << (round < 9 ? round : 9) };

	(void)nanosleep(&time, NULL);
}

/* Calls `each` with every pid of the open file cgroup.procs, from its start. -1 and errno. */
static int each_pid(int procs, void (*each)(struct batch *, pid_t), struct batch *batch)
{
	char text[LIST_BYTES];
	uint64_t pid = 0;
	bool inside = false;
	ssize_t n, i;

	if (lseek(procs, 0, SEEK_SET) < 0)
		return -1;
	while ((n = descriptor_read(procs, text, sizeof(text))) > 0) {
		for (i = 0; i < n; i++) {
			if (text[i] >= '0' && text[i] <= '9') {
				pid = pid * 10 + (uint64_t)(text[i] - '0');
				inside = true;
			} else if (inside) {
				each(batch, (pid_t)pid);
				pid = 0;
				inside = false;
			}
		}
	}
	return n < 0 ? -1 : 0;
}

/* Keeps the BATCH lowest pids above `floor`, in order. */
static void select_one(struct batch *batch, pid_t pid)
{
	int i;

	if (pid <= batch->floor || (batch->count == BATCH && pid >= batch->pids[BATCH - 1]))
		return;
	for (i = batch->count < BATCH ? batch->count++ : BATCH - 1; i > 0 && batch->pids[i - 1] > pid; i--)
		batch->pids[i] = batch->pids[i - 1];
	batch->pids[i] = pid;
}

static void confirm_one(struct batch *batch, pid_t pid)
{
	int i;

	for (i = 0; i < batch->count; i++)
		if (batch->pids[i] == pid)
			batch->member[i] = true;
}

/*
 * A pid read from the list may belong to somebody else by the time it is opened. So the list is read again after: a
 * process that is listed under a pid whose descriptor was opened before, and that lives, is the one of the descriptor.
 */
static int signal_batch(int procs, int signal, struct batch *batch)
{
	int i;

	for (i = 0; i < batch->count; i++) {
		batch->pidfds[i] = kernel_pidfd_open(batch->pids[i]);
		batch->member[i] = false;
	}
	if (each_pid(procs, confirm_one, batch) < 0)
		return -1;
	for (i = 0; i < batch->count; i++) {
		if (batch->pidfds[i] >= 0 && batch->member[i])
			(void)kernel_pidfd_send_signal(batch->pidfds[i], signal);
		descriptor_close(&batch->pidfds[i]);
	}
	return 0;
}

static void signal_directory(int dir, int signal)
{
	autoclose int procs = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	struct batch batch = { .floor = 0 };

	while (procs >= 0) {
		batch.count = 0;
		if (each_pid(procs, select_one, &batch) < 0 || batch.count == 0)
			return;
		batch.floor = batch.pids[batch.count - 1];
		if (signal_batch(procs, signal, &batch) < 0)
			return;
	}
}

/* Calls `each` with the name of every directory below `dir`. */
static void each_child(int dir, int depth, void (*each)(int, const char *, int, int), int argument)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!list) {
		descriptor_close(&fd);
		return;
	}
	while ((entry = readdir(list)))
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			each(dir, entry->d_name, depth, argument);
	(void)closedir(list);
}

static void signal_tree(int parent, const char *name, int depth, int signal)
{
	autoclose int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir < 0 || depth > MAX_DEPTH)
		return;
	signal_directory(dir, signal);
	each_child(dir, depth + 1, signal_tree, signal);
}

/* The directory that says best who belongs to the container: v2's, otherwise the first. */
static bool membership(const struct plan *plan, struct record *record)
{
	uint32_t cursor = 0;

	while (plan_next(plan, PLAN_CGROUP_DIR, &cursor, record))
		if (record_u32(record, 0) & PLAN_CGROUP_V2)
			return true;
	return plan_find(plan, PLAN_CGROUP_DIR, record);
}

/* v2 kills a whole tree in one act. */
static bool kill_at_once(const struct record *record)
{
	autoclose int dir = -1;

	if (!(record_u32(record, 0) & PLAN_CGROUP_V2))
		return false;
	dir = descriptor_open(record_string(record, 4), O_PATH | O_DIRECTORY);
	return dir >= 0 && files_write(dir, "cgroup.kill", "1", 1) == 0;
}

void cgroup_signal(const struct plan *plan, int signal)
{
	struct record record;

	if (!membership(plan, &record) || (signal == SIGKILL && kill_at_once(&record)))
		return;
	signal_tree(AT_FDCWD, record_string(&record, 4), 0, signal);
}

static bool is_empty(const char *path)
{
	autoclose int dir = descriptor_open(path, O_PATH | O_DIRECTORY);
	char text[256];
	uint64_t populated;

	if (dir < 0)
		return true;
	if (files_read(dir, "cgroup.events", text, sizeof(text)) > 0 && files_keyed_number(text, "populated", &populated))
		return !populated;
	return files_read(dir, "cgroup.procs", text, sizeof(text)) <= 0;
}

void cgroup_kill(const struct plan *plan)
{
	struct record record;
	uint32_t cursor = 0;

	while (plan_next(plan, PLAN_CGROUP_DIR, &cursor, &record)) {
		const char *path = record_string(&record, 4);
		int round;

		if (!(record_u32(&record, 0) & PLAN_CGROUP_REMOVE))
			continue;
		for (round = 0; round < KILL_ROUNDS && !is_empty(path); round++) {
			if (!kill_at_once(&record))
				signal_tree(AT_FDCWD, path, 0, SIGKILL);
			doze(round);
		}
	}
}

static void remove_child(int parent, const char *name, int depth, int unused)
{
	autoclose int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir < 0 || depth > MAX_DEPTH)
		return;
	each_child(dir, depth + 1, remove_child, unused);
	(void)unlinkat(parent, name, AT_REMOVEDIR);
}

static bool remove_directory(const char *path)
{
	if (rmdir(path) == 0 || errno == ENOENT)
		return true;
	if (errno == EBUSY || errno == ENOTEMPTY)
		remove_child(AT_FDCWD, path, 0, 0);
	return rmdir(path) == 0 || errno == ENOENT;
}

void cgroup_remove(const struct plan *plan)
{
	bool left = true;
	int round;

	for (round = 0; round < REMOVE_ROUNDS && left; round++) {
		struct record record;
		uint32_t cursor = 0;

		left = false;
		while (plan_next(plan, PLAN_CGROUP_DIR, &cursor, &record))
			if (record_u32(&record, 0) & PLAN_CGROUP_REMOVE && !remove_directory(record_string(&record, 4)))
				left = true;
		if (!left)
			return;
		/* Somebody is still inside. Nobody may be, at this point. */
		cgroup_kill(plan);
		doze(round);
	}
}
