/* SPDX-License-Identifier: Apache-2.0 */
#include "xattrs_read.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

static bool is_kept(const char *name)
{
	if (strncmp(name, "user.overlay.", 13) == 0)
		return false;
	return (strncmp(name, "user.", 5) == 0 && name[5] != '\0') || strcmp(name, "security.capability") == 0;
}

static int failed(struct error *err)
{
	return error_system(err, errno, "xattr", "cannot read the extended attributes");
}

static int add(int fd, struct xattrs *xattrs, const char *name, struct error *err)
{
	static char value[XATTRS_VALUE_MAX + 1];
	ssize_t length = fgetxattr(fd, name, value, sizeof(value));

	/* It went away meanwhile. */
	if (length < 0 && errno == ENODATA)
		return 0;
	if (length < 0 && errno != ERANGE)
		return failed(err);
	return xattrs_add(xattrs, name, strlen(name), value, length < 0 ? sizeof(value) : (size_t)length, err);
}

static const char *sorted_base;

static int compare(const void *one, const void *other)
{
	const struct xattr *a = one;
	const struct xattr *b = other;

	return strcmp(sorted_base + a->name, sorted_base + b->name);
}

int xattrs_read(int fd, struct xattrs *xattrs, struct error *err)
{
	static char names[XATTRS_BYTES_MAX];
	ssize_t length = flistxattr(fd, names, sizeof(names));

	xattrs_clear(xattrs);
	if (length < 0 && (errno == ENOTSUP || errno == ENOSYS))
		return 0;
	if (length < 0)
		return failed(err);
	for (const char *at = names; at < names + length; at += strlen(at) + 1)
		if (is_kept(at) && add(fd, xattrs, at, err) < 0)
			return -1;
	sorted_base = xattrs->bytes;
	qsort(xattrs->items, xattrs->count, sizeof(xattrs->items[0]), compare);
	return 0;
}
