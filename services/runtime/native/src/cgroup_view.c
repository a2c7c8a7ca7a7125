/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup_view.h"

#include <errno.h>
#include <sys/stat.h>

#include "descriptor.h"
#include "filesystem.h"
#include "kernel.h"
#include "root.h"

#define NAME_BYTES 64
#define OPTION_BYTES 256

static int attach(int mount, int root, const char *path, struct error *err)
{
	autoclose int target = root_make(root, path, false);

	if (target < 0 || kernel_move_mount(mount, target) < 0)
		return root_fail(err, STEP_MOUNT, "mount", path);
	return 0;
}

/* One hierarchy below the tmpfs `top`. `text` is "name=options". */
static int add_hierarchy(int top, const char *text, size_t length, uint32_t flags, struct error *err)
{
	const char *equals = memchr(text, '=', length);
	size_t name_length = equals ? (size_t)(equals - text) : 0;
	char name[NAME_BYTES], options[OPTION_BYTES];
	autoclose int mount = -1, directory = -1;

	if (!name_length || name_length >= sizeof(name) || length - name_length > sizeof(options) ||
	    memchr(text, '/', name_length))
		return fail_code(err, STEP_MOUNT, EINVAL, "control group view", text);
	memcpy(name, text, name_length);
	name[name_length] = 0;
	memcpy(options, equals + 1, length - name_length - 1);
	options[length - name_length - 1] = 0;
	mount = strcmp(options, "v2") ? filesystem_new("cgroup", options, flags) : filesystem_new("cgroup2", "", flags);
	if (mount < 0)
		return fail(err, STEP_MOUNT, "mount control group", name);
	if (mkdirat(top, name, 0755) < 0)
		return fail(err, STEP_MOUNT, "make mount point", name);
	directory = openat(top, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0 || kernel_move_mount(mount, directory) < 0)
		return fail(err, STEP_MOUNT, "mount control group", name);
	return 0;
}

static int add_hierarchies(int top, const char *options, uint32_t flags, struct error *err)
{
	while (*options) {
		size_t length = strcspn(options, ";");

		if (length && add_hierarchy(top, options, length, flags, err) < 0)
			return -1;
		options += length;
		if (*options == ';')
			options++;
	}
	return 0;
}

int cgroup_view(const struct record *record, int root, struct error *err)
{
	const char *target = record_string(record, 8), *options = string_after(string_after(target));
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };
	uint32_t flags = record_u32(record, 4);
	autoclose int top = -1;

	if (strcmp(options, "v2") == 0) {
		top = filesystem_new("cgroup2", "", flags);
		return top < 0 ? fail(err, STEP_MOUNT, "mount", target) : attach(top, root, target, err);
	}
	top = filesystem_new("tmpfs", "mode=755,size=64k", flags & ~PLAN_MOUNT_RDONLY);
	if (top < 0)
		return fail(err, STEP_MOUNT, "mount", target);
	if (attach(top, root, target, err) < 0 || add_hierarchies(top, options, flags, err) < 0)
		return -1;
	if (flags & PLAN_MOUNT_RDONLY && kernel_mount_setattr(top, "", AT_EMPTY_PATH, &readonly) < 0)
		return fail(err, STEP_MOUNT, "make read-only", target);
	return 0;
}
