/* SPDX-License-Identifier: Apache-2.0 */
#include "mounts.h"

#include <errno.h>
#include <sys/mount.h>

#include "descriptor.h"
#include "dev.h"
#include "filesystem.h"
#include "kernel.h"
#include "root.h"
#include "sync.h"

/*
 * What a bind shares with the mount that it copies. A container with its own users never sends mounts to the host: the
 * most that it can be is a slave.
 */
static uint64_t bind_propagation(const struct plan *plan)
{
	struct record record;

	if (!plan_find(plan, PLAN_ROOT_PROPAGATION, &record) || record_u32(&record, 0) == MS_PRIVATE)
		return MS_PRIVATE;
	if (record_u32(&record, 0) == MS_SHARED && !((plan->namespaces | plan->joined) & CLONE_NEWUSER))
		return 0;
	return MS_SLAVE;
}

int mounts_sysfs(const struct plan *plan, int *fd, struct error *err)
{
	struct record record;
	uint32_t cursor = 0;

	*fd = -1;
	while (plan_next(plan, PLAN_MOUNT, &cursor, &record)) {
		if (record_u32(&record, 0) != PLAN_MOUNT_SYSFS)
			continue;
		if (*fd >= 0)
			return fail_code(err, STEP_MOUNT, EINVAL, "second sysfs", record_string(&record, 8));
		*fd = filesystem_new("sysfs", "", record_u32(&record, 4));
		if (*fd < 0)
			return fail(err, STEP_MOUNT, "mount", record_string(&record, 8));
	}
	return 0;
}

static int open_host_path(const char *path)
{
	return kernel_openat2(AT_FDCWD, path, O_PATH, 0, RESOLVE_NO_MAGICLINKS);
}

/* A part of a source that containers write to: links in it lead nowhere else, however they are changed meanwhile. */
static int open_part(const char *source, const char *part)
{
	autoclose int whole = open_host_path(source);

	if (whole < 0 || !*part)
		return descriptor_take(&whole);
	return root_open(whole, part, O_PATH);
}

static int bind(const struct plan *plan, const char *source, const char *part, uint32_t flags, const struct owner *owner)
{
	autoclose int fd = open_part(source, part);

	return fd < 0 ? -1 : filesystem_clone(fd, flags, bind_propagation(plan), owner->userns);
}

/* The root of a directory. It is writable until everything is mounted below it; mounts of the host inside keep `flags`. */
static int root_bind(const struct plan *plan, const struct record *record, const struct owner *owner, struct error *err)
{
	uint32_t flags = record_u32(record, 0);
	const char *path = record_string(record, 4);
	struct mount_attr writable = { .attr_clr = MOUNT_ATTR_RDONLY };
	autoclose int mount = bind(plan, path, "", flags, owner);

	if (mount < 0 ||
	    (flags & PLAN_MOUNT_RDONLY && kernel_mount_setattr(mount, "", AT_EMPTY_PATH, &writable) < 0))
		return fail(err, STEP_ROOT, "bind", path);
	return descriptor_take(&mount);
}

static int make_root(const struct plan *plan, const struct owner *owner, struct error *err)
{
	struct record record;

	if (plan_find(plan, PLAN_ROOT_OVERLAY, &record))
		return overlay_mount(&record, owner, err);
	if (!plan_find(plan, PLAN_ROOT_BIND, &record))
		return fail_code(err, STEP_ROOT, EINVAL, "no root", NULL);
	return root_bind(plan, &record, owner, err);
}

static int make_bind(const struct plan *plan, const struct record *record, const struct owner *owner, struct error *err)
{
	const char *source = string_after(record_string(record, 8));
	const char *part = string_after(source);
	int mount = bind(plan, source, part, record_u32(record, 4), owner);

	return mount < 0 ? fail(err, STEP_MOUNT, "bind", *part ? part : source) : mount;
}

static int send_mount(int sync, int mount, struct error *err)
{
	if (sync_send(sync, SYNC_MOUNT, 0, &mount, 1) < 0)
		return fail(err, STEP_INTERNAL, "hand a mount over", NULL);
	return 0;
}

/* Makes one mount when it is the monitor's to make. 0: it is not. */
static int make_mount(const struct plan *plan, const struct record *record, const struct owner *owner, int sysfs, int sync,
		      struct error *err)
{
	enum plan_mount_kind kind = (enum plan_mount_kind)record_u32(record, 0);
	autoclose int mount = -1;

	switch (kind) {
	case PLAN_MOUNT_SYSFS:
		return send_mount(sync, sysfs, err);
	case PLAN_MOUNT_DEV:
		mount = dev_mount(plan, record, err);
		return mount < 0 ? -1 : send_mount(sync, mount, err);
	case PLAN_MOUNT_BIND:
		mount = make_bind(plan, record, owner, err);
		return mount < 0 ? -1 : send_mount(sync, mount, err);
	case PLAN_MOUNT_FS:
	case PLAN_MOUNT_CGROUP:
		break;
	}
	return 0;
}

int mounts_send(const struct plan *plan, const struct owner *owner, int sysfs, int sync, struct error *err)
{
	autoclose int root = make_root(plan, owner, err);
	struct record record;
	uint32_t cursor = 0;

	if (root < 0 || send_mount(sync, root, err) < 0)
		return -1;
	while (plan_next(plan, PLAN_MOUNT, &cursor, &record))
		if (make_mount(plan, &record, owner, sysfs, sync, err) < 0)
			return -1;
	return 0;
}
