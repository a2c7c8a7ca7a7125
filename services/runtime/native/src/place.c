/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "cgroup_view.h"
#include "descriptor.h"
#include "filesystem.h"
#include "kernel.h"
#include "root.h"
#include "sync.h"

static uint32_t root_flags(const struct plan *plan)
{
	struct record record;

	if (plan_find(plan, PLAN_ROOT_OVERLAY, &record) || plan_find(plan, PLAN_ROOT_BIND, &record))
		return record_u32(&record, 0);
	return 0;
}

static unsigned long root_propagation(const struct plan *plan)
{
	struct record record;

	return plan_find(plan, PLAN_ROOT_PROPAGATION, &record) ? record_u32(&record, 0) : MS_PRIVATE;
}

static int receive_mount(int sync, struct error *err)
{
	int fd;

	if (sync_expect(sync, SYNC_MOUNT, &fd, 1) < 0)
		return fail(err, STEP_INTERNAL, "receive a mount", NULL);
	return fd;
}

int place_root(const struct plan *plan, int sync, struct error *err)
{
	unsigned long type = root_propagation(plan) == MS_PRIVATE ? MS_PRIVATE : MS_SLAVE;
	autoclose int root = -1, top = -1;

	/* Nothing that is mounted from here on may show on the host. */
	if (mount(NULL, "/", NULL, MS_REC | type, NULL) < 0)
		return fail(err, STEP_MOUNT, "part from the host's mounts", NULL);
	root = receive_mount(sync, err);
	if (root < 0)
		return -1;
	top = descriptor_open("/", O_PATH | O_DIRECTORY);
	if (top < 0 || kernel_move_mount(root, top) < 0)
		return fail(err, STEP_ROOT, "attach the root", NULL);
	return descriptor_take(&root);
}

/* A file system made here. -1 with errno 0: the kernel lacks it and may. */
static int make_here(const struct record *record)
{
	const char *source = string_after(record_string(record, 8));
	uint32_t flags = record_u32(record, 4);
	int fd = filesystem_new(source, string_after(source), flags);

	if (fd < 0 && errno == ENODEV && flags & PLAN_MOUNT_OPTIONAL)
		errno = 0;
	return fd;
}

/* Of a part of a volume nobody knows before. */
static bool is_file(int mount)
{
	struct stat info;

	return fstat(mount, &info) == 0 && !S_ISDIR(info.st_mode);
}

static int attach(int mount, int root, const struct record *record, struct error *err)
{
	const char *path = record_string(record, 8);
	autoclose int target = root_make(root, path, record_u32(record, 4) & PLAN_MOUNT_FILE || is_file(mount));

	if (target < 0)
		return root_fail(err, STEP_MOUNT, "make mount point", path);
	if (kernel_move_mount(mount, target) < 0)
		return root_fail(err, STEP_MOUNT, "mount", path);
	return 0;
}

static int place_one(const struct record *record, int sync, int root, int *dev, struct error *err)
{
	enum plan_mount_kind kind = (enum plan_mount_kind)record_u32(record, 0);
	autoclose int mount = -1;

	if (kind == PLAN_MOUNT_CGROUP)
		return cgroup_view(record, root, err);
	if (kind == PLAN_MOUNT_FS) {
		mount = make_here(record);
		if (mount < 0)
			return errno ? fail(err, STEP_MOUNT, "mount", record_string(record, 8)) : 0;
	} else {
		mount = receive_mount(sync, err);
		if (mount < 0)
			return -1;
	}
	if (attach(mount, root, record, err) < 0)
		return -1;
	if (kind == PLAN_MOUNT_DEV && record_u32(record, 4) & PLAN_MOUNT_RDONLY)
		*dev = descriptor_take(&mount);
	return 0;
}

static int make_readonly(int mount, const char *path, enum launch_step step, struct error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	if (kernel_mount_setattr(mount, "", AT_EMPTY_PATH, &attr) < 0)
		return fail(err, step, "make read-only", path);
	return 0;
}

int place_mounts(const struct plan *plan, int sync, int root, struct error *err)
{
	autoclose int dev = -1;
	struct record record;
	uint32_t cursor = 0;

	while (plan_next(plan, PLAN_MOUNT, &cursor, &record))
		if (place_one(&record, sync, root, &dev, err) < 0)
			return -1;
	return dev < 0 ? 0 : make_readonly(dev, "/dev", STEP_MOUNT, err);
}

int place_pivot(const struct plan *plan, int root, struct error *err)
{
	uint32_t flags = root_flags(plan);

	if (flags & PLAN_MOUNT_RDONLY && make_readonly(root, "/", STEP_ROOT, err) < 0)
		return -1;
	/* The old root ends up over the new one, at the same place, and goes from there. */
	if (fchdir(root) < 0 || kernel_pivot_root(".", ".") < 0)
		return fail(err, STEP_ROOT, "change the root", NULL);
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return fail(err, STEP_ROOT, "leave the host's mounts", NULL);
	if (root_propagation(plan) == MS_SHARED && mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
		return fail(err, STEP_ROOT, "share the root", NULL);
	return 0;
}
