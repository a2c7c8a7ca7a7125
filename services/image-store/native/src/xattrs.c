/* SPDX-License-Identifier: Apache-2.0 */
#include "xattrs.h"

#include <errno.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#define NAME_MAX_LENGTH 255

/* File capabilities as the kernel stores them: struct vfs_cap_data and vfs_ns_cap_data of linux/capability.h. */
#define CAPABILITY_NAME "security.capability"
#define CAPABILITY_SIZE_2 20
#define CAPABILITY_SIZE_3 24
#define CAPABILITY_REVISION 3 /* the offset of the revision in the little-endian first word */

static bool has_prefix(const char *name, size_t length, const char *prefix)
{
	size_t size = strlen(prefix);

	return length >= size && memcmp(name, prefix, size) == 0;
}

static bool is_word(const char *name, size_t length, const char *word)
{
	return length == strlen(word) && memcmp(name, word, length) == 0;
}

static bool is_overlay(const char *name, size_t length)
{
	return has_prefix(name, length, "trusted.overlay.") || has_prefix(name, length, "user.overlay.");
}

bool xattrs_is_kept(const char *name, size_t length)
{
	return !is_overlay(name, length) &&
	       (has_prefix(name, length, "user.") || is_word(name, length, CAPABILITY_NAME));
}

void xattrs_clear(struct xattrs *xattrs)
{
	xattrs->count = 0;
	xattrs->used = 0;
}

/* The value belongs to the root of whatever user namespace the tree is mounted into, so a revision 3 value loses its
 * root id and becomes the revision 2 value that an id-mapped mount translates. */
static int store_capability(char *value, uint32_t *length, struct error *err)
{
	bool good = (*length == CAPABILITY_SIZE_2 && value[CAPABILITY_REVISION] == 2) ||
		    (*length == CAPABILITY_SIZE_3 && value[CAPABILITY_REVISION] == 3);

	if (!good)
		return error_set(err, REASON_INVALID, "xattr", "malformed " CAPABILITY_NAME);
	value[CAPABILITY_REVISION] = 2;
	*length = CAPABILITY_SIZE_2;
	return 0;
}

static int store(struct xattrs *xattrs, const char *name, size_t name_length, const void *value, size_t length,
		 struct error *err)
{
	struct xattr *item = &xattrs->items[xattrs->count];

	if (xattrs->count >= XATTRS_MAX || length > XATTRS_VALUE_MAX ||
	    name_length + 1 + length > XATTRS_BYTES_MAX - xattrs->used)
		return error_set(err, REASON_LIMIT, "xattr", "too many or too large extended attributes");
	item->name = xattrs->used;
	item->value = item->name + (uint32_t)name_length + 1;
	item->length = (uint32_t)length;
	memcpy(xattrs->bytes + item->name, name, name_length);
	xattrs->bytes[item->name + name_length] = '\0';
	if (length > 0)
		memcpy(xattrs->bytes + item->value, value, length);
	if (is_word(name, name_length, CAPABILITY_NAME) &&
	    store_capability(xattrs->bytes + item->value, &item->length, err) < 0)
		return -1;
	xattrs->used = item->value + (uint32_t)length;
	xattrs->count++;
	return 0;
}

int xattrs_add(struct xattrs *xattrs, const char *name, size_t name_length, const void *value, size_t length,
	       struct error *err)
{
	if (is_overlay(name, name_length))
		return error_set(err, REASON_UNSAFE_CONTENT, "xattr", "an attribute of the overlay file system");
	if (!xattrs_is_kept(name, name_length))
		return 0;
	if (name_length > NAME_MAX_LENGTH || is_word(name, name_length, "user.") || memchr(name, '\0', name_length))
		return error_set(err, REASON_INVALID, "xattr", "malformed name of an extended attribute");
	return store(xattrs, name, name_length, value, length, err);
}

/* File systems answer ENOSPC both when the attributes of one file exceed their own limit and when the disk is full. */
static bool disk_is_full(int fd)
{
	struct statfs about;

	return fstatfs(fd, &about) == 0 && about.f_bavail < 16;
}

static int refused(int fd, int number, struct error *err)
{
	if (number == E2BIG || number == ERANGE || (number == ENOSPC && !disk_is_full(fd)))
		return error_system_as(err, REASON_LIMIT, number, "xattr", "the attributes do not fit");
	return error_system(err, number, "xattr", "cannot set an extended attribute");
}

int xattrs_apply(const struct xattrs *xattrs, int fd, struct error *err)
{
	for (uint32_t i = 0; i < xattrs->count; i++) {
		const struct xattr *item = &xattrs->items[i];

		if (fsetxattr(fd, xattrs->bytes + item->name, xattrs->bytes + item->value, item->length, 0) < 0)
			return refused(fd, errno, err);
	}
	return 0;
}
