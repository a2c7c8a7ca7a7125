/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"
#include "root.h"

/* Headers older than the kernel may lack these. */
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

#define ATTRIBUTES (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static int failed(struct error *err, const char *what)
{
	return error_system_as(err, REASON_IO, errno, "mount", what);
}

static int open_directory(const char *path, struct error *err)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? failed(err, "cannot open a layer") : fd;
}

static int set_string(int context, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, key, value, 0);
}

/* A directory by its descriptor (kernel 6.15 and later), or by the name that /proc gives the descriptor (6.5). */
static int set_directory(int context, const char *key, int fd)
{
	char name[32];

	if (syscall(SYS_fsconfig, context, FSCONFIG_SET_FD, key, NULL, fd) == 0)
		return 0;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return set_string(context, key, name);
}

static int configure(int context, const struct root_layers *layers)
{
	for (unsigned i = 0; i < layers->count; i++)
		if (set_directory(context, "lowerdir+", layers->lowers[i]) < 0)
			return -1;
	if (layers->upper >= 0 && (set_directory(context, "upperdir", layers->upper) < 0 ||
				   set_directory(context, "workdir", layers->work) < 0))
		return -1;
	return set_string(context, "source", "overlay");
}

static int mount_overlay(const struct root_layers *layers, const struct root_options *options, struct error *err)
{
	AUTO_FD int context = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
	unsigned attributes = ATTRIBUTES | (layers->upper < 0 ? MOUNT_ATTR_RDONLY : 0);
	int fd;

	if (context < 0)
		return failed(err, "cannot open the overlay file system");
	if (configure(context, layers) < 0)
		return errno == EINVAL ? root_mount_by_names(options, err) : failed(err, "cannot add a layer");
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return failed(err, "cannot merge the layers");
	fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
	return fd < 0 ? failed(err, "cannot mount the layers") : fd;
}

/* A copy of the mount that a directory is in. */
static int clone_mount(int layer, uint64_t access, struct error *err)
{
	struct mount_attr attributes = {.attr_set = ATTRIBUTES | access};
	int fd = (int)syscall(SYS_open_tree, layer, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (fd < 0)
		return failed(err, "cannot copy the mount of a layer");
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0) {
		failed(err, "cannot set the attributes of a mount");
		close(fd);
		return -1;
	}
	return fd;
}

/* A mount's descriptor is O_PATH; directories are read through one that is not. */
static int readable(int mount, struct error *err)
{
	int fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	close(mount);
	return fd < 0 ? failed(err, "cannot open the root") : fd;
}

int root_layers_open(struct root_layers *layers, const struct root_options *options, struct error *err)
{
	*layers = (struct root_layers){.upper = -1, .work = -1};
	if (options->count > ROOT_LAYERS_MAX)
		return error_set(err, REASON_LIMIT, "mount", "more than %u layers", ROOT_LAYERS_MAX - 1);
	while (layers->count < options->count) {
		int fd = open_directory(options->lowers[layers->count], err);

		if (fd < 0)
			return -1;
		layers->lowers[layers->count++] = fd;
	}
	if (!options->upper)
		return 0;
	layers->upper = open_directory(options->upper, err);
	layers->work = layers->upper < 0 ? -1 : open_directory(options->work, err);
	return layers->work < 0 ? -1 : 0;
}

void root_layers_close(struct root_layers *layers)
{
	for (unsigned i = 0; i < layers->count; i++)
		fd_close(&layers->lowers[i]);
	fd_close(&layers->upper);
	fd_close(&layers->work);
}

int root_open_directory(const char *path, struct error *err)
{
	AUTO_FD int directory = open_directory(path, err);
	int mount = directory < 0 ? -1 : clone_mount(directory, 0, err);

	return mount < 0 ? -1 : readable(mount, err);
}

int root_open_overlay(const struct root_options *options, struct error *err)
{
	struct root_layers layers;
	int mount = -1;

	if (root_layers_open(&layers, options, err) == 0)
		mount = layers.count == 1 && layers.upper < 0
				? clone_mount(layers.lowers[0], MOUNT_ATTR_RDONLY, err) /* one layer alone is no overlay */
				: mount_overlay(&layers, options, err);
	root_layers_close(&layers);
	return mount < 0 ? -1 : readable(mount, err);
}
