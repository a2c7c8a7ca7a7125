/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tar_parts.h"

/* Offsets and sizes of struct posix_header in POSIX.1-1988, and of star's variant of it. */
enum {
	NAME = 0, NAME_SIZE = 100,
	MODE = 100, UID = 108, GID = 116, SHORT_SIZE = 8,
	SIZE = 124, MTIME = 136, LONG_SIZE = 12,
	CHECKSUM = 148,
	LINK = 157, LINK_SIZE = 100,
	MAGIC = 257,
	MAJOR = 329, MINOR = 337,
	PREFIX = 345, PREFIX_SIZE = 155, STAR_PREFIX_SIZE = 131,
	STAR_MAGIC = 508,
};

bool tar_block_is_zero(const uint8_t *block)
{
	static const uint8_t zero[TAR_BLOCK];

	return memcmp(block, zero, TAR_BLOCK) == 0;
}

bool tar_checksum_matches(const uint8_t *block)
{
	int64_t stored;
	int64_t sum = 0;
	int64_t signed_sum = 0; /* some old programs added signed characters */

	for (size_t i = 0; i < TAR_BLOCK; i++) {
		uint8_t byte = i >= CHECKSUM && i < CHECKSUM + SHORT_SIZE ? ' ' : block[i];

		sum += byte;
		signed_sum += (int8_t)byte;
	}
	return tar_field_number(block + CHECKSUM, SHORT_SIZE, &stored) && (stored == sum || stored == signed_sum);
}

static int field(const uint8_t *block, size_t offset, size_t size, const char *what, int64_t *value, struct error *err)
{
	if (tar_field_number(block + offset, size, value))
		return 0;
	return error_set(err, REASON_INVALID, "tar", "malformed %s in a header", what);
}

int tar_header_size(const uint8_t *block, uint64_t *size, struct error *err)
{
	int64_t value;

	if (field(block, SIZE, LONG_SIZE, "size", &value, err) < 0)
		return -1;
	if (value < 0)
		return error_set(err, REASON_INVALID, "tar", "negative size in a header");
	*size = (uint64_t)value;
	return 0;
}

static size_t prefix_size(const uint8_t *block)
{
	if (memcmp(block + MAGIC, "ustar\0", 6) != 0)
		return 0;
	return memcmp(block + STAR_MAGIC, "tar\0", 4) == 0 ? STAR_PREFIX_SIZE : PREFIX_SIZE;
}

static void join_name(const uint8_t *block, char *path)
{
	const char *prefix = (const char *)block + PREFIX;
	const char *name = (const char *)block + NAME;
	size_t before = strnlen(prefix, prefix_size(block));
	size_t length = strnlen(name, NAME_SIZE);

	if (before > 0) {
		memcpy(path, prefix, before);
		path[before++] = '/';
	}
	memcpy(path + before, name, length);
	path[before + length] = '\0';
}

static int owner(const uint8_t *block, size_t offset, const char *what, uint64_t *id, struct error *err)
{
	int64_t value;

	if (field(block, offset, SHORT_SIZE, what, &value, err) < 0)
		return -1;
	if (value < 0)
		return error_set(err, REASON_INVALID, "tar", "negative %s in a header", what);
	*id = (uint64_t)value;
	return 0;
}

static int device(const uint8_t *block, struct tar_entry *entry, struct error *err)
{
	int64_t major;
	int64_t minor;

	if (entry->type != TAR_CHAR && entry->type != TAR_BLOCK_DEVICE)
		return 0;
	if (field(block, MAJOR, SHORT_SIZE, "device number", &major, err) < 0 ||
	    field(block, MINOR, SHORT_SIZE, "device number", &minor, err) < 0)
		return -1;
	/* What Linux has: 12 and 20 bits. */
	if (major < 0 || major > 0xfff || minor < 0 || minor > 0xfffff)
		return error_set(err, REASON_INVALID, "tar", "device number out of range");
	entry->major = (uint32_t)major;
	entry->minor = (uint32_t)minor;
	return 0;
}

int tar_header_parse(const uint8_t *block, const struct tar_extended *extended, struct tar_entry *entry,
		     struct error *err)
{
	int64_t mode;
	int64_t mtime = 0;

	if (extended->path_rank == NAME_HEADER)
		join_name(block, entry->path);
	if (extended->link_rank == NAME_HEADER) {
		memcpy(entry->link, block + LINK, LINK_SIZE);
		entry->link[LINK_SIZE] = '\0';
	}
	if (field(block, MODE, SHORT_SIZE, "mode", &mode, err) < 0 || device(block, entry, err) < 0)
		return -1;
	entry->mode = (uint32_t)mode & 07777;
	entry->uid = extended->uid;
	entry->gid = extended->gid;
	entry->mtime = extended->mtime;
	if (!extended->has_uid && owner(block, UID, "user id", &entry->uid, err) < 0)
		return -1;
	if (!extended->has_gid && owner(block, GID, "group id", &entry->gid, err) < 0)
		return -1;
	if (!extended->has_mtime) {
		if (field(block, MTIME, LONG_SIZE, "time", &mtime, err) < 0)
			return -1;
		entry->mtime = (struct timespec){.tv_sec = mtime};
	}
	return 0;
}
