/* SPDX-License-Identifier: Apache-2.0
 *
 * The fields of a frame of control.h, one after another.
 */
#ifndef CAISSON_FIELDS_H
#define CAISSON_FIELDS_H

#include "resolver.h"

/* What is left of a frame. Reading beyond its end is remembered, and gives zeros. */
struct fields {
	const uint8_t *at;
	size_t left;
	bool failed;
};

struct text {
	const uint8_t *bytes;
	uint8_t length;
};

const uint8_t *take(struct fields *fields, size_t length);
uint8_t take_8(struct fields *fields);
struct text take_text(struct fields *fields);
/* Of 4 or 16 bytes. */
struct text take_address(struct fields *fields);
void take_forwarders(struct fields *fields, uint8_t count, struct forwarders *forwarders);
/* A whole name, and nothing behind it. */
void take_name(struct fields *fields, struct domain_name *name);
/* Nothing was missing, and nothing is left. */
bool complete(const struct fields *fields);

#endif
