/* SPDX-License-Identifier: Apache-2.0 */
#include "marks.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "sandbox.h"

#define TRUSTED "trusted.overlay."
#define USER "user.overlay."

struct reading {
	int fd;
	const char *prefix;
	struct marks *marks;
	struct xattrs *own;
};

/* A length of -1: it is gone meanwhile. */
static int value_of(int fd, const char *name, char *value, size_t size, ssize_t *length, struct error *err)
{
	*length = fgetxattr(fd, name, value, size);
	if (*length >= 0 || errno == ENODATA)
		return 0;
	if (errno == ERANGE)
		return error_set(err, REASON_LIMIT, "xattr", "an extended attribute is too large");
	return error_system(err, errno, "xattr", "cannot read an extended attribute");
}

static int take_opaque(const struct reading *reading, const char *name, struct error *err)
{
	char value[8];
	ssize_t length;

	if (value_of(reading->fd, name, value, sizeof(value), &length, err) < 0)
		return -1;
	reading->marks->opaque = length == 1 && value[0] == 'y';
	reading->marks->whiteouts = length == 1 && value[0] == 'x';
	return 0;
}

static int take_mark(const struct reading *reading, const char *word, const char *name, struct error *err)
{
	struct marks *marks = reading->marks;

	if (strcmp(word, "opaque") == 0)
		return take_opaque(reading, name, err);
	marks->whiteout |= strcmp(word, "whiteout") == 0;
	marks->borrowed |= strcmp(word, "redirect") == 0 || strcmp(word, "metacopy") == 0;
	return 0;
}

static int take_own(const struct reading *reading, const char *name, struct error *err)
{
	char value[XATTRS_VALUE_MAX];
	ssize_t length;

	if (value_of(reading->fd, name, value, sizeof(value), &length, err) < 0)
		return -1;
	return length < 0 ? 0 : xattrs_add(reading->own, name, strlen(name), value, (size_t)length, err);
}

static int take(const struct reading *reading, const char *name, struct error *err)
{
	size_t size = strlen(reading->prefix);

	if (strncmp(name, reading->prefix, size) == 0)
		return take_mark(reading, name + size, name, err);
	if (strncmp(name, TRUSTED, strlen(TRUSTED)) == 0 || strncmp(name, USER, strlen(USER)) == 0)
		return 0;
	return reading->own && xattrs_is_kept(name, strlen(name)) ? take_own(reading, name, err) : 0;
}

static int read_all(const struct reading *reading, struct error *err)
{
	char list[XATTRS_BYTES_MAX];
	ssize_t length = flistxattr(reading->fd, list, sizeof(list));

	if (length < 0 && errno == EOPNOTSUPP)
		return 0;
	if (length < 0)
		return error_system_as(err, errno == ERANGE || errno == E2BIG ? REASON_LIMIT : REASON_IO, errno, "xattr",
				       "cannot list the extended attributes");
	for (const char *name = list; name < list + length; name += strlen(name) + 1)
		if (take(reading, name, err) < 0)
			return -1;
	return 0;
}

int marks_read(int fd, enum marks_space space, struct marks *marks, struct xattrs *own, struct error *err)
{
	const struct reading reading = {
		.fd = fd,
		.prefix = space == MARKS_USER ? USER : TRUSTED,
		.marks = marks,
		.own = own,
	};
	struct error later;
	int result;

	*marks = (struct marks){.opaque = false};
	if (own)
		xattrs_clear(own);
	/* Only with it are trusted.* attributes there at all. */
	if (sandbox_privileged(true, err) < 0)
		return -1;
	result = read_all(&reading, err);
	if (sandbox_privileged(false, result < 0 ? &later : err) < 0)
		return -1;
	return result;
}
