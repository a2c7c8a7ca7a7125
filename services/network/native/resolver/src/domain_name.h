/* SPDX-License-Identifier: Apache-2.0
 *
 * Names as they stand in messages (RFC 1035, 3.1): labels behind their lengths, and the empty one at the end.
 */
#ifndef CAISSON_DOMAIN_NAME_H
#define CAISSON_DOMAIN_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOMAIN_NAME_BYTES 255

struct domain_name {
	uint8_t length;
	uint8_t bytes[DOMAIN_NAME_BYTES];
};

/*
 * Reads the name at the beginning of `data`, into lower case. Returns its length; -1 when it is not whole, too long, or
 * compressed, which nobody may ask for.
 */
int domain_name_read(const uint8_t *data, size_t length, struct domain_name *name);

/* How many bytes the name takes where it stands, compressed or not: no pointer is followed. -1 when it is not whole. */
int domain_name_skip(const uint8_t *data, size_t length);

/*
 * The address that a name below in-addr.arpa or ip6.arpa stands for (RFC 1035, 3.5; RFC 3596, 2.5): its length, 4 or 16;
 * 0 when it is none or not a whole one.
 */
size_t domain_name_address(const struct domain_name *name, uint8_t address[16]);

#endif
