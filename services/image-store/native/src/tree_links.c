/* SPDX-License-Identifier: Apache-2.0 */
#include "tree_links.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct link_place *find(struct link_place *places, size_t capacity, dev_t device, ino_t inode)
{
	uint64_t hash = ((uint64_t)inode ^ (uint64_t)device << 40) * 0x9e3779b97f4a7c15ull;
	size_t at = (size_t)(hash >> 32) & (capacity - 1);

	while (places[at].path && (places[at].inode != inode || places[at].device != device))
		at = (at + 1) & (capacity - 1);
	return &places[at];
}

static int grow(struct tree_links *links)
{
	size_t capacity = links->capacity ? links->capacity * 2 : 256;
	struct link_place *places = calloc(capacity, sizeof(*places));

	if (!places)
		return -1;
	for (size_t i = 0; i < links->capacity; i++)
		if (links->places[i].path)
			*find(places, capacity, links->places[i].device, links->places[i].inode) = links->places[i];
	free(links->places);
	links->places = places;
	links->capacity = capacity;
	return 0;
}

int tree_links_meet(struct tree_links *links, dev_t device, ino_t inode, const char *path, const char **first, struct error *err)
{
	struct link_place *place;

	*first = NULL;
	links->bytes += strlen(path) + 3 * sizeof(*place);
	if (links->bytes > LINKS_BYTES_MAX || (links->count * 2 >= links->capacity && grow(links) < 0))
		return error_set(err, REASON_LIMIT, "walk", "too many files with several links");
	place = find(links->places, links->capacity, device, inode);
	if (place->path) {
		*first = place->path;
		return 0;
	}
	*place = (struct link_place){.device = device, .inode = inode, .path = strdup(path)};
	if (!place->path)
		return error_set(err, REASON_LIMIT, "walk", "too many files with several links");
	links->count++;
	return 0;
}

void tree_links_free(struct tree_links *links)
{
	for (size_t i = 0; i < links->capacity; i++)
		free(links->places[i].path);
	free(links->places);
	memset(links, 0, sizeof(*links));
}
