/* SPDX-License-Identifier: Apache-2.0 */
#include "dev.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "descriptor.h"
#include "filesystem.h"
#include "kernel.h"

int64_t dev_map_id(const struct plan *plan, enum plan_record type, uint32_t inside)
{
	struct record record;
	uint32_t cursor = 0;

	if (!((plan->namespaces | plan->joined) & CLONE_NEWUSER))
		return inside;
	while (plan_next(plan, type, &cursor, &record)) {
		uint32_t first = record_u32(&record, 0), count = record_u32(&record, 8);

		if (inside >= first && inside - first < count)
			return (int64_t)record_u32(&record, 4) + (inside - first);
	}
	return -1;
}

static int own(const struct plan *plan, int dir, const char *name, uint32_t uid, uint32_t gid)
{
	int64_t mapped_uid = dev_map_id(plan, PLAN_UID_MAP, uid), mapped_gid = dev_map_id(plan, PLAN_GID_MAP, gid);

	if (mapped_uid < 0 || mapped_gid < 0) {
		errno = EOVERFLOW;
		return -1;
	}
	return fchownat(dir, name, (uid_t)mapped_uid, (gid_t)mapped_gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
}

/* Makes the directories that a name goes through, owned by the container's root. */
static int make_parents(const struct plan *plan, int dir, const char *name)
{
	char parent[4096];
	const char *slash;

	for (slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		memcpy(parent, name, (size_t)(slash - name));
		parent[slash - name] = 0;
		if (mkdirat(dir, parent, 0755) == 0) {
			if (own(plan, dir, parent, 0, 0) < 0)
				return -1;
		} else if (errno != EEXIST) {
			return -1;
		}
	}
	return 0;
}

static int make_node(const struct plan *plan, int dir, const struct record *record)
{
	const char *name = record_string(record, 20);
	dev_t number = makedev(record_u32(record, 4), record_u32(record, 8));

	if (make_parents(plan, dir, name) < 0 || mknodat(dir, name, (mode_t)record_u32(record, 0), number) < 0)
		return -1;
	return own(plan, dir, name, record_u32(record, 12), record_u32(record, 16));
}

static int make_link(const struct plan *plan, int dir, const struct record *record)
{
	const char *name = record_string(record, 0);

	if (make_parents(plan, dir, name) < 0 || symlinkat(string_after(name), dir, name) < 0)
		return -1;
	return own(plan, dir, name, 0, 0);
}

int dev_mount(const struct plan *plan, const struct record *mount, struct error *err)
{
	const char *target = record_string(mount, 8), *options = string_after(string_after(target));
	/* Made read-only at the end: its nodes and mount points are still to come. */
	uint32_t flags = record_u32(mount, 4) & ~PLAN_MOUNT_RDONLY, cursor = 0;
	autoclose int dir = filesystem_new("tmpfs", options, flags);
	struct record record;

	if (dir < 0 || own(plan, dir, "", 0, 0) < 0)
		return fail(err, STEP_DEVICE, "mount", target);
	while (plan_next(plan, PLAN_DEV_NODE, &cursor, &record))
		if (make_node(plan, dir, &record) < 0)
			return fail(err, STEP_DEVICE, "make device", record_string(&record, 20));
	for (cursor = 0; plan_next(plan, PLAN_DEV_LINK, &cursor, &record);)
		if (make_link(plan, dir, &record) < 0)
			return fail(err, STEP_DEVICE, "make link", record_string(&record, 0));
	return descriptor_take(&dir);
}
