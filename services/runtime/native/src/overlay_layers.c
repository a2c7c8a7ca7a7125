/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay_layers.h"

#include <errno.h>

#include "descriptor.h"
#include "filesystem.h"
#include "kernel.h"

/* The parent of a path as its length. */
static size_t parent_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? 1 : (size_t)(slash - path);
}

int layers_open_upper(struct layers *layers, const char *upper, const char *work, struct error *err)
{
	size_t length = parent_length(upper);
	autoclose int parent = -1, mount = -1;
	char path[4096];

	if (parent_length(work) != length || strncmp(upper, work, length) || length >= sizeof(path))
		return fail_code(err, STEP_ROOT, EXDEV, "upper and work directory have different parents", upper);
	memcpy(path, upper, length);
	path[length] = 0;
	parent = kernel_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_MAGICLINKS);
	if (parent < 0)
		return fail(err, STEP_ROOT, "open", path);
	mount = filesystem_clone(parent, PLAN_MOUNT_IDMAP, 0, layers->userns);
	if (mount < 0)
		return fail(err, STEP_ROOT, "map the ids of", path);
	layers->upper = openat(mount, strrchr(upper, '/') + 1, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (layers->upper < 0)
		return fail(err, STEP_ROOT, "open", upper);
	layers->work = openat(mount, strrchr(work, '/') + 1, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (layers->work < 0) {
		(void)fail(err, STEP_ROOT, "open", work);
		descriptor_close(&layers->upper);
		return -1;
	}
	layers->parent = descriptor_take(&mount);
	layers->names[0] = strrchr(upper, '/') + 1;
	layers->names[1] = strrchr(work, '/') + 1;
	return 0;
}

int layers_open_lower(const struct layers *layers, const char *path, uint32_t flags)
{
	autoclose int directory = kernel_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_MAGICLINKS);

	if (directory < 0)
		return -1;
	return filesystem_clone(directory, PLAN_MOUNT_IDMAP | PLAN_MOUNT_RDONLY | flags, 0, layers->userns);
}

static int give(int context, const char *key, int fd)
{
	return kernel_fsconfig(context, FSCONFIG_SET_FD, key, NULL, fd);
}

int layers_open_lowers(struct layers *layers, struct error *err)
{
	const char *path = layers->first;
	uint32_t i;

	for (i = 0; i < layers->count; i++, path = string_after(path)) {
		layers->lowers[i] = layers_open_lower(layers, path, 0);
		if (layers->lowers[i] < 0)
			return fail(err, STEP_ROOT, "open layer", path);
	}
	return 0;
}

static int give_lowers(int context, const struct layers *layers, struct error *err)
{
	uint32_t i;

	for (i = 0; i < layers->count; i++)
		if (give(context, "lowerdir+", layers->lowers[i]) < 0)
			return fail(err, STEP_ROOT, "add a layer", NULL);
	return 0;
}

int layers_mount_by_descriptors(const struct layers *layers, struct error *err)
{
	autoclose int context = -1;
	int mount;

#ifdef CAISSON_OVERLAY_BY_NAMES
	return fail_code(err, STEP_ROOT, EOPNOTSUPP, "overlay by descriptors", NULL);
#endif
	context = kernel_fsopen("overlay");
	if (context < 0)
		return fail(err, STEP_ROOT, "open overlay", NULL);
	if (give_lowers(context, layers, err) < 0)
		return -1;
	if (layers->upper >= 0 &&
	    (give(context, "upperdir", layers->upper) < 0 || give(context, "workdir", layers->work) < 0))
		return fail(err, STEP_ROOT, "add upper directory", NULL);
	if (kernel_fsconfig(context, FSCONFIG_SET_STRING, "source", "overlay", 0) < 0 ||
	    filesystem_options(context, layers->options) < 0)
		return fail(err, STEP_ROOT, "overlay options", layers->options);
	if (kernel_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail(err, STEP_ROOT, "mount overlay", NULL);
	mount = kernel_fsmount(context, filesystem_attributes(layers->flags & ~PLAN_MOUNT_RDONLY));
	return mount < 0 ? fail(err, STEP_ROOT, "mount overlay", NULL) : mount;
}
