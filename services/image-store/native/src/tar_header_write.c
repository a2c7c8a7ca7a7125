/* SPDX-License-Identifier: Apache-2.0 */
#include "tar_header_write.h"

#include <stdio.h>
#include <string.h>

/* Offsets and sizes of the fields (POSIX.1-2001, pax, "ustar Header Block"). */
#define NAME 0
#define MODE 100
#define UID 108
#define GID 116
#define SIZE 124
#define MTIME 136
#define CHECKSUM 148
#define TYPE 156
#define LINK 157
#define MAGIC 257
#define MAJOR 329
#define MINOR 337

#define SHORT_DIGITS 7
#define LONG_DIGITS 11

void tar_item_path(const struct tar_item *item, char path[TAR_PATH_MAX + 1])
{
	const char *name = item->path[0] == '\0' ? "." : item->path;

	snprintf(path, TAR_PATH_MAX + 1, "%s%s", name, item->type == TAR_DIR ? "/" : "");
}

bool tar_name_fits(const char *name)
{
	size_t length = 0;

	for (; name[length] != '\0'; length++)
		if (length == TAR_NAME_SIZE || (unsigned char)name[length] >= 0x80)
			return false;
	return true;
}

bool tar_time_fits(const struct timespec *time)
{
	return time->tv_nsec == 0 && time->tv_sec >= 0 && (uint64_t)time->tv_sec <= TAR_SIZE_MAX;
}

static void put_octal(uint8_t *field, int digits, uint64_t value)
{
	for (int i = digits - 1; i >= 0; i--, value >>= 3)
		field[i] = (uint8_t)('0' + (value & 7));
}

static void put_name(uint8_t *field, const char *name)
{
	memcpy(field, name, strnlen(name, TAR_NAME_SIZE));
}

static void put_checksum(uint8_t *block)
{
	unsigned sum = 0;

	memset(block + CHECKSUM, ' ', 8);
	for (unsigned i = 0; i < TAR_BLOCK; i++)
		sum += block[i];
	put_octal(block + CHECKSUM, 6, sum);
	block[CHECKSUM + 6] = '\0';
}

static uint8_t type_flag(enum tar_type type)
{
	switch (type) {
	case TAR_FILE:
		return '0';
	case TAR_HARDLINK:
		return '1';
	case TAR_SYMLINK:
		return '2';
	case TAR_CHAR:
		return '3';
	case TAR_BLOCK_DEVICE:
		return '4';
	case TAR_DIR:
		return '5';
	case TAR_FIFO:
		return '6';
	}
	return '0';
}

static uint64_t or_zero(uint64_t value, uint64_t max)
{
	return value <= max ? value : 0;
}

static void begin(uint8_t *block, const char *name, uint8_t type, uint32_t mode)
{
	memset(block, 0, TAR_BLOCK);
	put_name(block + NAME, name);
	put_octal(block + MODE, SHORT_DIGITS, mode & 07777);
	block[TYPE] = type;
	memcpy(block + MAGIC, "ustar\0" "00", 8);
	put_octal(block + MAJOR, SHORT_DIGITS, 0);
	put_octal(block + MINOR, SHORT_DIGITS, 0);
}

static void put_numbers(uint8_t *block, uint64_t uid, uint64_t gid, uint64_t size, int64_t mtime)
{
	put_octal(block + UID, SHORT_DIGITS, or_zero(uid, TAR_ID_MAX));
	put_octal(block + GID, SHORT_DIGITS, or_zero(gid, TAR_ID_MAX));
	put_octal(block + SIZE, LONG_DIGITS, or_zero(size, TAR_SIZE_MAX));
	put_octal(block + MTIME, LONG_DIGITS, mtime < 0 ? 0 : or_zero((uint64_t)mtime, TAR_SIZE_MAX));
}

void tar_header_write(uint8_t block[TAR_BLOCK], const struct tar_item *item, const char *path)
{
	bool device = item->type == TAR_CHAR || item->type == TAR_BLOCK_DEVICE;

	begin(block, path, type_flag(item->type), item->mode);
	put_numbers(block, item->uid, item->gid, item->type == TAR_FILE ? item->size : 0, item->mtime.tv_sec);
	if (item->link)
		put_name(block + LINK, item->link);
	if (device) {
		put_octal(block + MAJOR, SHORT_DIGITS, item->major);
		put_octal(block + MINOR, SHORT_DIGITS, item->minor);
	}
	put_checksum(block);
}

void tar_header_write_pax(uint8_t block[TAR_BLOCK], const char *path, uint64_t size)
{
	const char *slash = strrchr(path, '/');
	char name[TAR_NAME_SIZE + 1];

	/* For readers that know nothing of pax: they find a file of this name. */
	snprintf(name, sizeof(name), "PaxHeaders/%s", slash ? slash + 1 : path);
	begin(block, name, 'x', 0644);
	put_numbers(block, 0, 0, size, 0);
	put_checksum(block);
}
