/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "descriptor.h"
#include "devices.h"
#include "files.h"
#include "kernel.h"

static int make_parents(const char *path)
{
	char parent[4096];
	size_t i, length = strlen(path);

	memcpy(parent, path, length + 1);
	for (i = 1; i < length; i++) {
		if (parent[i] != '/')
			continue;
		parent[i] = 0;
		if (mkdir(parent, 0755) < 0 && errno != EEXIST)
			return -1;
		parent[i] = '/';
	}
	return 0;
}

static int make_directory(const char *path, uint32_t flags)
{
	struct stat info;

	if (flags & PLAN_CGROUP_EXISTS)
		return stat(path, &info);
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT || make_parents(path) < 0)
		return -1;
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -1 : 0;
}

static int make_directories(const struct plan *plan, int *v2, struct error *err)
{
	struct record record;
	uint32_t cursor = 0;

	while (plan_next(plan, PLAN_CGROUP_DIR, &cursor, &record)) {
		const char *path = record_string(&record, 4);
		uint32_t flags = record_u32(&record, 0);
		/* An exec whose container has ended finds its groups gone. */
		enum launch_step step = flags & PLAN_CGROUP_EXISTS ? STEP_TARGET : STEP_CGROUP;

		if (make_directory(path, flags) < 0) {
			if (flags & PLAN_CGROUP_OPTIONAL)
				continue;
			return fail(err, step, "make control group", path);
		}
		if (!(flags & PLAN_CGROUP_V2) || *v2 >= 0)
			continue;
		*v2 = descriptor_open(path, O_PATH | O_DIRECTORY);
		if (*v2 < 0 && !(flags & PLAN_CGROUP_OPTIONAL))
			return fail(err, step, "open control group", path);
	}
	return 0;
}

static int write_files(const struct plan *plan, struct error *err)
{
	struct record record;
	uint32_t cursor = 0;

	while (plan_next(plan, PLAN_CGROUP_WRITE, &cursor, &record)) {
		const char *path = record_string(&record, 4), *value = string_after(path);

		if (files_write(AT_FDCWD, path, value, strlen(value)) < 0 && !(record_u32(&record, 0) & PLAN_CGROUP_OPTIONAL))
			return fail(err, STEP_CGROUP, "write", path);
	}
	return 0;
}

int cgroup_prepare(const struct plan *plan, int *v2, struct error *err)
{
	struct record record;

	*v2 = -1;
	if (make_directories(plan, v2, err) < 0 || write_files(plan, err) < 0)
		return -1;
	if (!plan_find(plan, PLAN_CGROUP_DEVICES, &record))
		return 0;
	if (*v2 < 0)
		return fail_code(err, STEP_CGROUP, EINVAL, "device program without a v2 control group", NULL);
	return devices_attach(*v2, record.payload, record.size, err);
}

/* Opens a file of a control group's directory. */
static int open_file(const char *directory, const char *name, int flags)
{
	char path[4096];
	size_t length = strlen(directory);

	if (length + strlen(name) + 2 > sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(path, directory, length);
	path[length] = '/';
	strcpy(path + length + 1, name);
	return descriptor_open(path, flags | O_NOFOLLOW);
}

int cgroup_join(const struct plan *plan, pid_t pid, bool born_inside, struct error *err)
{
	struct record record;
	uint32_t cursor = 0;
	char text[21];
	size_t length = files_format(text, (uint64_t)pid);

	while (plan_next(plan, PLAN_CGROUP_DIR, &cursor, &record)) {
		uint32_t flags = record_u32(&record, 0);
		const char *path = record_string(&record, 4);
		autoclose int fd = -1;

		if (flags & PLAN_CGROUP_V2 && born_inside)
			continue;
		fd = open_file(path, "cgroup.procs", O_WRONLY);
		if ((fd < 0 || descriptor_write(fd, text, length) < 0) && !(flags & PLAN_CGROUP_OPTIONAL))
			return fail(err, flags & PLAN_CGROUP_EXISTS ? STEP_TARGET : STEP_CGROUP, "join control group", path);
	}
	return 0;
}
