/* SPDX-License-Identifier: Apache-2.0 */
#include "namespaces.h"

#include <errno.h>
#include <sched.h>

#include "descriptor.h"
#include "files.h"
#include "kernel.h"

#define MAP_BYTES 12288

static const struct {
	uint64_t flag;
	const char *path;
} own[NAMESPACE_KINDS] = {
	{ CLONE_NEWNET, "/proc/self/ns/net" }, { CLONE_NEWIPC, "/proc/self/ns/ipc" }, { CLONE_NEWUTS, "/proc/self/ns/uts" },
	{ CLONE_NEWPID, "/proc/self/ns/pid" }, { CLONE_NEWCGROUP, "/proc/self/ns/cgroup" },
};

static int remember(struct origin *origin, uint64_t flag, struct error *err)
{
	int i, fd;

	for (i = 0; i < origin->count; i++)
		if (origin->flags[i] == flag)
			return 0;
	for (i = 0; i < NAMESPACE_KINDS && own[i].flag != flag; i++)
		;
	fd = i < NAMESPACE_KINDS ? descriptor_open(own[i].path, O_RDONLY) : -1;
	if (fd < 0)
		return fail(err, STEP_NAMESPACE, "open own namespace", NULL);
	origin->flags[origin->count] = flag;
	origin->fds[origin->count++] = fd;
	return 0;
}

int namespaces_join(const struct plan *plan, struct origin *origin, struct error *err)
{
	struct record record;
	uint32_t cursor = 0;

	while (plan_next(plan, PLAN_JOIN, &cursor, &record)) {
		uint64_t flag = record_u64(&record, 0);
		const char *path = record_string(&record, 8);
		autoclose int fd = -1;

		if (flag == CLONE_NEWUSER)
			continue;
		fd = descriptor_open(path, O_RDONLY);
		if (fd < 0)
			return fail(err, STEP_NAMESPACE, "open namespace", path);
		if (remember(origin, flag, err) < 0)
			return -1;
		if (setns(fd, (int)flag) < 0)
			return fail(err, STEP_NAMESPACE, "join namespace", path);
	}
	return 0;
}

int namespaces_enter_network(int pidfd, struct origin *origin, struct error *err)
{
	if (remember(origin, CLONE_NEWNET, err) < 0)
		return -1;
	if (setns(pidfd, CLONE_NEWNET) < 0)
		return fail(err, STEP_NAMESPACE, "enter the container's network", NULL);
	return 0;
}

int namespaces_return(struct origin *origin, struct error *err)
{
	int result = 0;

	while (origin->count > 0) {
		int i = --origin->count;

		if (setns(origin->fds[i], (int)origin->flags[i]) < 0)
			result = fail(err, STEP_NAMESPACE, "return to the host's namespaces", NULL);
		descriptor_close(&origin->fds[i]);
	}
	return result;
}

int namespaces_open_user(const struct plan *plan, int *fd, struct error *err)
{
	struct record record;
	uint32_t cursor = 0;

	*fd = -1;
	while (plan_next(plan, PLAN_JOIN, &cursor, &record)) {
		if (record_u64(&record, 0) != CLONE_NEWUSER)
			continue;
		*fd = descriptor_open(record_string(&record, 8), O_RDONLY);
		if (*fd < 0)
			return fail(err, STEP_NAMESPACE, "open namespace", record_string(&record, 8));
	}
	return 0;
}

static int write_map(const struct plan *plan, enum plan_record type, pid_t pid, const char *name, struct error *err)
{
	char path[64], text[MAP_BYTES];
	struct record record;
	uint32_t cursor = 0, field;
	size_t at = 0;

	while (plan_next(plan, type, &cursor, &record)) {
		if (at + 36 > sizeof(text))
			return fail_code(err, STEP_NAMESPACE, E2BIG, "write", name);
		for (field = 0; field < 3; field++) {
			at += files_format(text + at, record_u32(&record, field * 4));
			text[at++] = field < 2 ? ' ' : '\n';
		}
	}
	files_proc_path(path, pid, name);
	if (files_write(AT_FDCWD, path, text, at) < 0)
		return fail(err, STEP_NAMESPACE, "write", name);
	return 0;
}

int namespaces_map(const struct plan *plan, pid_t pid, struct error *err)
{
	if (write_map(plan, PLAN_UID_MAP, pid, "uid_map", err) < 0)
		return -1;
	return write_map(plan, PLAN_GID_MAP, pid, "gid_map", err);
}
