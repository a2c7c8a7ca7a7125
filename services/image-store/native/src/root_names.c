/* SPDX-License-Identifier: Apache-2.0
 *
 * mount(2) takes one page of options: so the layers are named by the numbers of their descriptors, relative to the
 * directory that lists these.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fd.h"
#include "root.h"

#define OPTIONS_SIZE 4096u

static int failed(struct error *err, const char *what)
{
	return error_system_as(err, REASON_IO, errno, "mount", what);
}

static int name_layers(const struct root_layers *layers, char *options, struct error *err)
{
	size_t at = (size_t)snprintf(options, OPTIONS_SIZE, "lowerdir=");

	for (unsigned i = 0; i < layers->count && at < OPTIONS_SIZE; i++)
		at += (size_t)snprintf(options + at, OPTIONS_SIZE - at, i ? ":%d" : "%d", layers->lowers[i]);
	if (layers->upper >= 0 && at < OPTIONS_SIZE)
		at += (size_t)snprintf(options + at, OPTIONS_SIZE - at, ",upperdir=%d,workdir=%d", layers->upper,
				       layers->work);
	if (at >= OPTIONS_SIZE)
		return error_set(err, REASON_LIMIT, "mount", "too many layers for this kernel");
	return 0;
}

static int mount_layers(const struct root_layers *layers, const char *place, struct error *err)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | (layers->upper < 0 ? MS_RDONLY : 0);
	char options[OPTIONS_SIZE];

	if (name_layers(layers, options, err) < 0)
		return -1;
	if (chdir("/proc/self/fd") < 0 || mount("overlay", place, "overlay", flags, options) < 0)
		return failed(err, "cannot mount the layers");
	return chdir("/") < 0 ? failed(err, "cannot leave the list of descriptors") : 0;
}

/* The layers are opened in the new namespace: overlayfs takes none of another one. */
int root_mount_by_names(const struct root_options *options, struct error *err)
{
	const char *place = options->lowers[options->count - 1];
	struct root_layers layers;
	int result;
	int fd;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return failed(err, "cannot make a private mount namespace");
	result = root_layers_open(&layers, options, err);
	if (result == 0)
		result = mount_layers(&layers, place, err);
	root_layers_close(&layers);
	if (result < 0)
		return -1;
	fd = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? failed(err, "cannot open the mounted layers") : fd;
}
