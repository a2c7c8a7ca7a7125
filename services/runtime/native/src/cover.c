/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths that a container may not see, or not change.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "descriptor.h"
#include "filesystem.h"
#include "kernel.h"
#include "place.h"
#include "root.h"

/* What covers are copies of; opened when the first is needed. */
struct covers {
	int null;  /* the device that was seen to be /dev/null */
	int empty; /* an empty directory; from the first cover on it is attached */
};

static int cover_file(struct covers *covers, int root, struct error *err)
{
	if (covers->null < 0)
		covers->null = root_open_null(root);
	if (covers->null < 0)
		return fail(err, STEP_UNSAFE, "not the null device:", "/dev/null");
	return kernel_open_tree(covers->null, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
}

/* The first directory gets the mount itself and the others get copies: before Linux 6.15 only what is attached is copied. */
static int cover_directory(struct covers *covers)
{
	if (covers->empty >= 0)
		return kernel_open_tree(covers->empty, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
	covers->empty = filesystem_new("tmpfs", "size=0,nr_inodes=1,mode=755",
				       PLAN_MOUNT_RDONLY | PLAN_MOUNT_NOSUID | PLAN_MOUNT_NODEV | PLAN_MOUNT_NOEXEC);
	return covers->empty < 0 ? -1 : fcntl(covers->empty, F_DUPFD_CLOEXEC, 0);
}

static int mask(struct covers *covers, int root, const char *path, struct error *err)
{
	autoclose int target = root_open(root, path, O_PATH), cover = -1;
	struct stat info;

	if (target < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : root_fail(err, STEP_MOUNT, "mask", path);
	if (fstat(target, &info) < 0)
		return fail(err, STEP_MOUNT, "mask", path);
	err->code = 0;
	cover = S_ISDIR(info.st_mode) ? cover_directory(covers) : cover_file(covers, root, err);
	if (cover < 0)
		return err->code ? -1 : fail(err, STEP_MOUNT, "mask", path);
	return kernel_move_mount(cover, target) < 0 ? fail(err, STEP_MOUNT, "mask", path) : 0;
}

static int protect(int root, const char *path, struct error *err)
{
	autoclose int target = root_open(root, path, O_PATH), copy = -1;

	if (target < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : root_fail(err, STEP_MOUNT, "protect", path);
	copy = filesystem_clone(target, PLAN_MOUNT_RDONLY | PLAN_MOUNT_RECURSIVE, 0, -1);
	if (copy < 0 || kernel_move_mount(copy, target) < 0)
		return fail(err, STEP_MOUNT, "protect", path);
	return 0;
}

int place_covers(const struct plan *plan, int root, struct error *err)
{
	autoclose int null = -1, empty = -1;
	struct covers covers = { -1, -1 };
	struct record record;
	uint32_t cursor = 0;
	int result = 0;

	while (result == 0 && plan_next(plan, PLAN_READONLY, &cursor, &record))
		result = protect(root, record_string(&record, 0), err);
	for (cursor = 0; result == 0 && plan_next(plan, PLAN_MASK, &cursor, &record);)
		result = mask(&covers, root, record_string(&record, 0), err);
	null = covers.null;
	empty = covers.empty;
	return result;
}
