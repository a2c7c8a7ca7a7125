/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks, the names on each and the names that addresses on it reverse to.
 */
#ifndef CAISSON_NAMES_H
#define CAISSON_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "domain_name.h"
#include "list.h"

/* Kept while it has a name or a view refers to it. */
struct network {
	struct network *next;
	uint32_t number;
	uint32_t views;
	struct link names; /* of struct name */
	uint8_t id_length;
	uint8_t id[255];
};

enum name_kind { NAME_ADDRESSES, NAME_REVERSE };

struct name {
	struct name *next;
	struct link in_network;
	struct network *network;
	uint64_t hash;
	uint32_t generation;
	uint32_t turn; /* which address comes first next time */
	uint16_t ipv4_count;
	uint16_t ipv6_count;
	uint16_t size;       /* of data */
	uint8_t kind;        /* enum name_kind */
	uint8_t key_length;
	uint8_t *data;       /* IPv4 addresses and then IPv6 addresses; or the name, for a reverse */
	uint8_t key[];       /* the name in lower case; or the address, for a reverse */
};

#define NETWORK_BUCKETS 1024

struct names {
	struct network *networks[NETWORK_BUCKETS];
	struct name **buckets;
	size_t bucket_count; /* a power of two */
	size_t count;
	uint64_t seed;
	uint32_t network_number;
	uint32_t generation;
};

int names_init(struct names *names, uint64_t seed);
void names_free(struct names *names);

/* Made when it is not there. NULL: no memory. */
struct network *network_get(struct names *names, const uint8_t *id, uint8_t length);
/* NULL when it is not there. */
struct network *network_find(const struct names *names, const uint8_t *id, uint8_t length);
/* A view refers to it no more. */
void network_leave(struct names *names, struct network *network);
/* Drops all its names. */
void network_forget(struct names *names, struct network *network);

/* Takes `data` over, in place of what was there; NULL: the name is dropped. -1: no memory. */
int name_set(struct names *names, struct network *network, enum name_kind kind, const uint8_t *key, uint8_t key_length,
	     uint8_t *data, uint16_t ipv4_count, uint16_t ipv6_count, uint16_t size);
struct name *name_find(const struct names *names, const struct network *network, enum name_kind kind, const uint8_t *key,
		       uint8_t key_length);

/* Names that are not set again from here on go with names_sweep. */
void names_mark(struct names *names);
void names_sweep(struct names *names);

#endif
