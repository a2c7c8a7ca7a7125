/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay.h"

#include <errno.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <linux/securebits.h>

#include "descriptor.h"
#include "filesystem.h"
#include "kernel.h"
#include "overlay_layers.h"

static int open_layers(const struct record *record, const struct owner *owner, struct layers *layers, struct error *err)
{
	const char *upper = record_string(record, 8), *work = string_after(upper);

	layers->flags = record_u32(record, 0);
	layers->count = record_u32(record, 4);
	layers->options = string_after(work);
	layers->first = string_after(layers->options);
	layers->parent = layers->upper = layers->work = -1;
	layers->userns = layers->flags & PLAN_MOUNT_IDMAP ? owner->userns : -1;
	return *upper ? layers_open_upper(layers, upper, work, err) : 0;
}

/* One layer alone is no overlay: the layer itself, never written to. */
static int single_layer(const struct layers *layers, struct error *err)
{
	int mount = layers_open_lower(layers, layers->first, layers->flags);

	return mount < 0 ? fail(err, STEP_ROOT, "open layer", layers->first) : mount;
}

/*
 * The overlay works on its layers with the credentials of whoever makes it: with the id of the container's root, which
 * the id-mapped layers know, and with the capabilities of the monitor.
 */
static int assume(const struct owner *owner, struct error *err)
{
	if (owner->userns < 0)
		return 0;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0)
		return fail(err, STEP_ROOT, "keep capabilities", NULL);
	(void)setfsgid(owner->gid);
	(void)setfsuid(owner->uid);
	return 0;
}

static int drop_assumed(const struct owner *owner, struct error *err)
{
	if (owner->userns < 0)
		return 0;
	(void)setfsuid(0);
	(void)setfsgid(0);
	if (prctl(PR_SET_SECUREBITS, 0, 0, 0, 0) < 0)
		return fail(err, STEP_ROOT, "give up kept capabilities", NULL);
	return 0;
}

static int mount_layers(const struct layers *layers, const struct owner *owner, struct error *err)
{
	autoclose int mount = -1;
	struct error later;

	if (assume(owner, err) < 0)
		return -1;
	mount = layers_mount_by_descriptors(layers, err);
	if (mount < 0 && (err->code == EINVAL || err->code == ENOSYS || err->code == EOPNOTSUPP || err->code == EBADF))
		mount = layers_mount_by_names(layers, err);
	if (drop_assumed(owner, mount < 0 ? &later : err) < 0)
		return -1;
	return descriptor_take(&mount);
}

static int open_and_mount(struct layers *layers, const struct owner *owner, struct error *err)
{
	size_t bytes = layers->count * sizeof(int);
	int mount = -1;
	uint32_t i;

	layers->lowers = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (layers->lowers == MAP_FAILED)
		return fail(err, STEP_ROOT, "list the layers", NULL);
	for (i = 0; i < layers->count; i++)
		layers->lowers[i] = -1;
	if (layers_open_lowers(layers, err) == 0)
		mount = mount_layers(layers, owner, err);
	for (i = 0; i < layers->count; i++)
		descriptor_close(&layers->lowers[i]);
	(void)munmap(layers->lowers, bytes);
	return mount;
}

int overlay_mount(const struct record *record, const struct owner *owner, struct error *err)
{
	autoclose int parent = -1, upper = -1, work = -1;
	struct layers layers;

	if (open_layers(record, owner, &layers, err) < 0)
		return -1;
	parent = layers.parent;
	upper = layers.upper;
	work = layers.work;
	if (layers.count == 1 && upper < 0)
		return single_layer(&layers, err);
	return open_and_mount(&layers, owner, err);
}
