/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 256

/* FNV-1a, from a seed that nobody outside knows. */
static uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	return hash;
}

static uint64_t hash_key(const struct names *names, const struct network *network, enum name_kind kind, const uint8_t *key,
			 uint8_t length)
{
	uint64_t hash = (names->seed ^ network->number ^ (uint64_t)kind << 32) * 0x100000001b3u;

	hash = hash_bytes(hash, key, length);
	return hash ^ hash >> 29;
}

int names_init(struct names *names, uint64_t seed)
{
	memset(names, 0, sizeof(*names));
	names->seed = seed;
	names->bucket_count = FIRST_BUCKETS;
	names->buckets = calloc(FIRST_BUCKETS, sizeof(*names->buckets));
	return names->buckets ? 0 : -1;
}

static struct network **network_place(struct names *names, const uint8_t *id, uint8_t length)
{
	struct network **place = &names->networks[hash_bytes(names->seed, id, length) % NETWORK_BUCKETS];

	while (*place && ((*place)->id_length != length || memcmp((*place)->id, id, length) != 0))
		place = &(*place)->next;
	return place;
}

struct network *network_find(const struct names *names, const uint8_t *id, uint8_t length)
{
	return *network_place((struct names *)names, id, length);
}

struct network *network_get(struct names *names, const uint8_t *id, uint8_t length)
{
	struct network **place = network_place(names, id, length);
	struct network *network = *place;

	if (network)
		return network;
	network = calloc(1, sizeof(*network));
	if (!network)
		return NULL;
	network->number = ++names->network_number;
	network->id_length = length;
	memcpy(network->id, id, length);
	list_init(&network->names);
	*place = network;
	return network;
}

static void drop_unused(struct names *names, struct network *network)
{
	struct network **place;

	if (network->views || !list_empty(&network->names))
		return;
	place = network_place(names, network->id, network->id_length);
	*place = network->next;
	free(network);
}

void network_leave(struct names *names, struct network *network)
{
	network->views--;
	drop_unused(names, network);
}

static struct name **name_place(const struct names *names, const struct network *network, enum name_kind kind,
				const uint8_t *key, uint8_t length)
{
	uint64_t hash = hash_key(names, network, kind, key, length);
	struct name **place = &names->buckets[hash & (names->bucket_count - 1)];

	for (; *place; place = &(*place)->next) {
		const struct name *name = *place;

		if (name->hash == hash && name->network == network && name->kind == kind && name->key_length == length &&
		    memcmp(name->key, key, length) == 0)
			break;
	}
	return place;
}

struct name *name_find(const struct names *names, const struct network *network, enum name_kind kind, const uint8_t *key,
		       uint8_t key_length)
{
	return *name_place(names, network, kind, key, key_length);
}

/* The network stays, unused or not. */
static void drop_name(struct names *names, struct name **place)
{
	struct name *name = *place;

	*place = name->next;
	list_remove(&name->in_network);
	free(name->data);
	free(name);
	names->count--;
}

static void drop_names(struct names *names, struct network *network, bool all)
{
	list_each(link, &network->names) {
		const struct name *name = containing(link, struct name, in_network);

		if (all || name->generation != names->generation)
			drop_name(names, name_place(names, network, (enum name_kind)name->kind, name->key, name->key_length));
	}
	drop_unused(names, network);
}

void network_forget(struct names *names, struct network *network)
{
	drop_names(names, network, true);
}

/* Without memory for more buckets the ones there are become longer. */
static void grow(struct names *names)
{
	size_t count = names->bucket_count * 2;
	struct name **buckets = calloc(count, sizeof(*buckets));

	if (!buckets)
		return;
	for (size_t i = 0; i < names->bucket_count; i++) {
		for (struct name *name = names->buckets[i], *next; name; name = next) {
			struct name **place = &buckets[name->hash & (count - 1)];

			next = name->next;
			name->next = *place;
			*place = name;
		}
	}
	free(names->buckets);
	names->buckets = buckets;
	names->bucket_count = count;
}

static struct name *add_name(struct names *names, struct network *network, enum name_kind kind, const uint8_t *key,
			     uint8_t key_length)
{
	struct name *name = calloc(1, sizeof(*name) + key_length), **place;

	if (!name)
		return NULL;
	if (names->count >= names->bucket_count)
		grow(names);
	name->network = network;
	name->kind = (uint8_t)kind;
	name->key_length = key_length;
	memcpy(name->key, key, key_length);
	name->hash = hash_key(names, network, kind, key, key_length);
	place = &names->buckets[name->hash & (names->bucket_count - 1)];
	name->next = *place;
	*place = name;
	list_append(&network->names, &name->in_network);
	names->count++;
	return name;
}

int name_set(struct names *names, struct network *network, enum name_kind kind, const uint8_t *key, uint8_t key_length,
	     uint8_t *data, uint16_t ipv4_count, uint16_t ipv6_count, uint16_t size)
{
	struct name **place = name_place(names, network, kind, key, key_length);
	struct name *name = *place;

	if (!data) {
		if (name)
			drop_name(names, place);
		drop_unused(names, network);
		return 0;
	}
	if (!name)
		name = add_name(names, network, kind, key, key_length);
	if (!name) {
		free(data);
		drop_unused(names, network);
		return -1;
	}
	free(name->data);
	name->data = data;
	name->ipv4_count = ipv4_count;
	name->ipv6_count = ipv6_count;
	name->size = size;
	name->generation = names->generation;
	return 0;
}

void names_mark(struct names *names)
{
	names->generation++;
}

static void each_network(struct names *names, bool all)
{
	for (size_t i = 0; i < NETWORK_BUCKETS; i++) {
		for (struct network *network = names->networks[i], *next; network; network = next) {
			next = network->next;
			drop_names(names, network, all);
		}
	}
}

void names_sweep(struct names *names)
{
	each_network(names, false);
}

void names_free(struct names *names)
{
	each_network(names, true);
	free(names->buckets);
	names->buckets = NULL;
}
