/* SPDX-License-Identifier: Apache-2.0 */
#include "tree_names.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 32768

static bool is_dot(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static int add(struct tree_names *names, const char *name, struct error *err)
{
	size_t size = strlen(name) + 1;

	if (names->length + size > names->capacity) {
		size_t capacity = names->capacity ? names->capacity * 2 : 4096;
		char *bytes = capacity > NAMES_BYTES_MAX ? NULL : realloc(names->bytes, capacity);

		if (!bytes)
			return error_set(err, REASON_LIMIT, "walk", "a directory has too many entries");
		names->bytes = bytes;
		names->capacity = capacity;
	}
	memcpy(names->bytes + names->length, name, size);
	names->length += size;
	names->count++;
	return 0;
}

static int compare(const void *one, const void *other)
{
	return strcmp(*(const char *const *)one, *(const char *const *)other);
}

static int sort(struct tree_names *names, struct error *err)
{
	const char *at = names->bytes;

	names->items = calloc(names->count + 1, sizeof(*names->items));
	if (!names->items)
		return error_set(err, REASON_LIMIT, "walk", "a directory has too many entries");
	for (size_t i = 0; i < names->count; i++, at += strlen(at) + 1)
		names->items[i] = at;
	qsort(names->items, names->count, sizeof(*names->items), compare);
	return 0;
}

int tree_names_read(int directory, struct tree_names *names, struct error *err)
{
	_Alignas(struct dirent64) char batch[BATCH];
	ssize_t filled;

	memset(names, 0, sizeof(*names));
	if (lseek(directory, 0, SEEK_SET) < 0)
		return error_system(err, errno, "walk", "cannot read a directory");
	while ((filled = getdents64(directory, batch, sizeof(batch))) > 0)
		for (ssize_t at = 0; at < filled;) {
			const struct dirent64 *entry = (const struct dirent64 *)(batch + at);

			at += entry->d_reclen;
			if (!is_dot(entry->d_name) && add(names, entry->d_name, err) < 0)
				return -1;
		}
	/* A directory that was removed meanwhile is empty. */
	if (filled < 0 && errno != ENOENT)
		return error_system(err, errno, "walk", "cannot read a directory");
	return sort(names, err);
}

void tree_names_free(struct tree_names *names)
{
	free(names->bytes);
	free(names->items);
	memset(names, 0, sizeof(*names));
}
