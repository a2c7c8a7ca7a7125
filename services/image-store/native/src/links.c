/* SPDX-License-Identifier: Apache-2.0 */
#include "links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 256u

static struct link *place_of(struct link *items, size_t capacity, ino_t inode)
{
	uint64_t hash = (uint64_t)inode * 0x9e3779b97f4a7c15ull;
	size_t at = (size_t)(hash >> 32) & (capacity - 1);

	while (items[at].path && items[at].inode != inode)
		at = (at + 1) & (capacity - 1);
	return &items[at];
}

static int grow(struct links *links, struct error *err)
{
	size_t capacity = links->capacity > 0 ? links->capacity * 2 : FIRST_CAPACITY;
	struct link *items = calloc(capacity, sizeof(*items));

	if (!items)
		return error_system(err, ENOMEM, "list", "too many files have several names");
	for (size_t i = 0; i < links->capacity; i++)
		if (links->items[i].path)
			*place_of(items, capacity, links->items[i].inode) = links->items[i];
	free(links->items);
	links->items = items;
	links->capacity = capacity;
	return 0;
}

const char *links_find(const struct links *links, ino_t inode)
{
	return links->capacity > 0 ? place_of(links->items, links->capacity, inode)->path : NULL;
}

int links_add(struct links *links, ino_t inode, const char *path, struct error *err)
{
	char *copy;

	if (links->count * 2 >= links->capacity && grow(links, err) < 0)
		return -1;
	copy = strdup(path);
	if (!copy)
		return error_system(err, ENOMEM, "list", "too many files have several names");
	*place_of(links->items, links->capacity, inode) = (struct link){.inode = inode, .path = copy};
	links->count++;
	return 0;
}

void links_free(struct links *links)
{
	for (size_t i = 0; i < links->capacity; i++)
		free(links->items[i].path);
	free(links->items);
	*links = (struct links){.items = NULL};
}
