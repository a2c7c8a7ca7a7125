/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 32768

/* A type byte, the name and its NUL, one behind the other. */
struct gathered {
	char *bytes;
	size_t length;
	size_t capacity;
	size_t count;
};

static bool is_dot(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static int gather(struct gathered *gathered, const struct dirent64 *entry, struct error *err)
{
	size_t size = strlen(entry->d_name) + 2;

	if (gathered->length + size > gathered->capacity) {
		size_t capacity = gathered->capacity * 2 + BATCH;
		char *bytes = realloc(gathered->bytes, capacity);

		if (!bytes)
			return error_system(err, ENOMEM, "list", "a directory has too many names");
		gathered->bytes = bytes;
		gathered->capacity = capacity;
	}
	gathered->bytes[gathered->length] = (char)entry->d_type;
	memcpy(gathered->bytes + gathered->length + 1, entry->d_name, size - 1);
	gathered->length += size;
	gathered->count++;
	return 0;
}

static int gather_batch(struct gathered *gathered, const char *batch, ssize_t size, uint64_t max, struct error *err)
{
	for (ssize_t at = 0; at < size;) {
		const struct dirent64 *entry = (const struct dirent64 *)(const void *)(batch + at);

		at += entry->d_reclen;
		if (is_dot(entry->d_name))
			continue;
		if (gathered->count >= max)
			return error_set(err, REASON_LIMIT, "list", "more entries than are allowed");
		if (gather(gathered, entry, err) < 0)
			return -1;
	}
	return 0;
}

static int gather_all(struct gathered *gathered, int directory, uint64_t max, struct error *err)
{
	_Alignas(struct dirent64) char batch[BATCH];
	ssize_t size;

	if (lseek(directory, 0, SEEK_SET) < 0)
		return error_system(err, errno, "list", "cannot read a directory");
	while ((size = getdents64(directory, batch, sizeof(batch))) > 0)
		if (gather_batch(gathered, batch, size, max, err) < 0)
			return -1;
	return size < 0 ? error_system(err, errno, "list", "cannot read a directory") : 0;
}

static int compare(const void *one, const void *other)
{
	return strcmp(((const struct listed *)one)->name, ((const struct listed *)other)->name);
}

static int sort(struct names *names, struct gathered *gathered, struct error *err)
{
	const char *at = gathered->bytes;

	names->items = calloc(gathered->count + 1, sizeof(*names->items));
	if (!names->items)
		return error_system(err, ENOMEM, "list", "a directory has too many names");
	for (; names->count < gathered->count; names->count++) {
		names->items[names->count] = (struct listed){.name = at + 1, .type = (unsigned char)*at};
		at += strlen(at + 1) + 2;
	}
	qsort(names->items, names->count, sizeof(*names->items), compare);
	return 0;
}

int names_read(struct names *names, int directory, uint64_t max, struct error *err)
{
	struct gathered gathered = {.bytes = NULL};
	int result;

	*names = (struct names){.items = NULL};
	result = gather_all(&gathered, directory, max, err);
	names->bytes = gathered.bytes;
	if (result == 0)
		result = sort(names, &gathered, err);
	if (result < 0)
		names_free(names);
	return result;
}

void names_free(struct names *names)
{
	free(names->items);
	free(names->bytes);
	*names = (struct names){.items = NULL};
}

const struct listed *names_find(const struct names *names, const char *name)
{
	const struct listed wanted = {.name = name};

	return names->count > 0 ? bsearch(&wanted, names->items, names->count, sizeof(wanted), compare) : NULL;
}
