/* SPDX-License-Identifier: Apache-2.0 */
#include "filesystem.h"

#include <errno.h>
#include <string.h>

#include "descriptor.h"
#include "kernel.h"
#include "plan.h"

#define OPTION_BYTES 256
#define ATTRIBUTES (PLAN_MOUNT_RDONLY | PLAN_MOUNT_NOSUID | PLAN_MOUNT_NODEV | PLAN_MOUNT_NOEXEC | PLAN_MOUNT_NOATIME | \
		    PLAN_MOUNT_NOSYMFOLLOW)

unsigned int filesystem_attributes(uint32_t flags)
{
	return flags & ATTRIBUTES;
}

static int set_option(int context, char *option)
{
	char *value = strchr(option, '=');

	if (!value)
		return kernel_fsconfig(context, FSCONFIG_SET_FLAG, option, NULL, 0);
	*value++ = 0;
	return kernel_fsconfig(context, FSCONFIG_SET_STRING, option, value, 0);
}

int filesystem_options(int context, const char *options)
{
	while (*options) {
		char option[OPTION_BYTES];
		size_t length = strcspn(options, ",");

		if (length >= sizeof(option)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(option, options, length);
		option[length] = 0;
		if (length && set_option(context, option) < 0)
			return -1;
		options += length;
		if (*options == ',')
			options++;
	}
	return 0;
}

int filesystem_new(const char *type, const char *options, uint32_t flags)
{
	autoclose int context = kernel_fsopen(type);

	/* What is shown as the source: the type, unless the options name one. */
	if (context < 0 ||
	    (!strstr(options, "source=") && kernel_fsconfig(context, FSCONFIG_SET_STRING, "source", type, 0) < 0) ||
	    filesystem_options(context, options) < 0 ||
	    kernel_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return kernel_fsmount(context, filesystem_attributes(flags));
}

int filesystem_clone(int source, uint32_t flags, uint64_t propagation, int userns)
{
	unsigned int recursive = flags & PLAN_MOUNT_RECURSIVE ? AT_RECURSIVE : 0;
	struct mount_attr attr = { .attr_set = filesystem_attributes(flags), .propagation = propagation };
	autoclose int mount = kernel_open_tree(source, "", OPEN_TREE_CLONE | AT_EMPTY_PATH | recursive);

	if (mount < 0)
		return -1;
	if (flags & PLAN_MOUNT_NOATIME)
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	if (flags & PLAN_MOUNT_IDMAP && userns >= 0) {
		attr.attr_set |= MOUNT_ATTR_IDMAP;
		attr.userns_fd = (uint64_t)userns;
	}
	if ((attr.attr_set || attr.propagation) &&
	    kernel_mount_setattr(mount, "", AT_EMPTY_PATH | recursive, &attr) < 0)
		return -1;
	return descriptor_take(&mount);
}
