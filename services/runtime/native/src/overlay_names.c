/* SPDX-License-Identifier: Apache-2.0
 *
 * mount(2) takes one page of options and fsconfig(2) 256 bytes a value: so the layers are mounted under numbers in a
 * private mount namespace, and named by these. For kernels before 6.15.
 */
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "descriptor.h"
#include "files.h"
#include "filesystem.h"
#include "kernel.h"
#include "overlay_layers.h"

#define OPTIONS_BYTES 4096
#define UPPER "u"
#define RESULT "m"

struct options {
	char text[OPTIONS_BYTES];
	size_t at;
	bool full;
};

static void add(struct options *options, const char *text)
{
	size_t length = strlen(text);

	if (options->full || options->at + length + 1 > sizeof(options->text)) {
		options->full = true;
		return;
	}
	memcpy(options->text + options->at, text, length + 1);
	options->at += length;
}

/* Attaches a detached mount under a new directory of the scratch directory that is current. */
static int attach(int mount, const char *name)
{
	autoclose int directory = -1;

	if (mkdirat(AT_FDCWD, name, 0700) < 0)
		return -1;
	directory = descriptor_open(name, O_PATH | O_DIRECTORY);
	return directory < 0 ? -1 : kernel_move_mount(mount, directory);
}

static int enter_scratch(struct error *err)
{
	autoclose int scratch = -1, root = -1;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail(err, STEP_ROOT, "make a private mount namespace", NULL);
	scratch = filesystem_new("tmpfs", "mode=700", 0);
	root = descriptor_open("/", O_PATH | O_DIRECTORY);
	if (scratch < 0 || root < 0 || kernel_move_mount(scratch, root) < 0 || fchdir(scratch) < 0)
		return fail(err, STEP_ROOT, "make a scratch directory", NULL);
	return 0;
}

static int attach_lowers(const struct layers *layers, struct options *options, struct error *err)
{
	const char *path = layers->first;
	uint32_t i;

	add(options, "lowerdir=");
	for (i = 0; i < layers->count; i++, path = string_after(path)) {
		char name[21];

		files_format(name, i);
		if (attach(layers->lowers[i], name) < 0)
			return fail(err, STEP_ROOT, "attach layer", path);
		if (i)
			add(options, ":");
		add(options, name);
	}
	return 0;
}

static int attach_upper(const struct layers *layers, struct options *options, struct error *err)
{
	int i;

	if (layers->upper < 0)
		return 0;
	for (i = 0; i < 2; i++) {
		if (strpbrk(layers->names[i], ",:\\"))
			return fail_code(err, STEP_ROOT, EINVAL, "name of upper or work directory", layers->names[i]);
		add(options, i ? ",workdir=" UPPER "/" : ",upperdir=" UPPER "/");
		add(options, layers->names[i]);
	}
	if (attach(layers->parent, UPPER) < 0)
		return fail(err, STEP_ROOT, "attach upper directory", NULL);
	return 0;
}

static int mount_result(const struct layers *layers, struct options *options, struct error *err)
{
	struct mount_attr attr = { .attr_set = filesystem_attributes(layers->flags & ~PLAN_MOUNT_RDONLY) };
	autoclose int result = -1;

	if (*layers->options) {
		add(options, ",");
		add(options, layers->options);
	}
	if (options->full)
		return fail_code(err, STEP_ROOT, E2BIG, "too many layers for this kernel", NULL);
	if (mkdirat(AT_FDCWD, RESULT, 0700) < 0 || mount("overlay", RESULT, "overlay", 0, options->text) < 0)
		return fail(err, STEP_ROOT, "mount overlay", NULL);
	result = kernel_open_tree(AT_FDCWD, RESULT, OPEN_TREE_CLONE);
	if (result < 0 || kernel_mount_setattr(result, "", AT_EMPTY_PATH, &attr) < 0)
		return fail(err, STEP_ROOT, "detach overlay", NULL);
	return descriptor_take(&result);
}

static int mount_in_scratch(const struct layers *layers, struct error *err)
{
	struct options options = { .at = 0 };

	if (enter_scratch(err) < 0 || attach_lowers(layers, &options, err) < 0 ||
	    attach_upper(layers, &options, err) < 0)
		return -1;
	return mount_result(layers, &options, err);
}

int layers_mount_by_names(const struct layers *layers, struct error *err)
{
	autoclose int home = descriptor_open("/proc/self/ns/mnt", O_RDONLY);
	autoclose int result = -1;

	if (home < 0)
		return fail(err, STEP_ROOT, "open own mount namespace", NULL);
	result = mount_in_scratch(layers, err);
	if (setns(home, CLONE_NEWNS) < 0)
		return fail(err, STEP_ROOT, "return to the host's mounts", NULL);
	return descriptor_take(&result);
}
