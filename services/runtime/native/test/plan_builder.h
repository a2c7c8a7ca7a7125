/* SPDX-License-Identifier: Apache-2.0
 *
 * Builds plans by hand, well-formed or not.
 */
#ifndef CAISSON_PLAN_BUILDER_H
#define CAISSON_PLAN_BUILDER_H

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

struct builder {
	uint8_t bytes[65536];
	uint32_t size, records;
};

static inline void builder_begin(struct builder *builder)
{
	memset(builder, 0, sizeof(*builder));
	builder->size = 16;
}

/* Adds a record. `layout` as in decode.c: i u32, l u64, h u16, s string; the values follow. */
static inline void builder_add(struct builder *builder, int type, const char *layout, ...)
{
	uint32_t head = builder->size, at = head + 8;
	uint16_t type16 = (uint16_t)type;
	va_list values;

	va_start(values, layout);
	for (; *layout; layout++) {
		uint64_t number = *layout == 's' ? 0 : va_arg(values, uint64_t);
		const char *text = *layout == 's' ? va_arg(values, const char *) : NULL;
		uint32_t size = text ? (uint32_t)strlen(text) + 1 : *layout == 'h' ? 2 : *layout == 'i' ? 4 : 8;

		memcpy(builder->bytes + at, text ? (const void *)text : &number, size);
		at += size;
	}
	va_end(values);
	memcpy(builder->bytes + head, &type16, 2);
	size_t payload = at - head - 8;
	uint32_t payload32 = (uint32_t)payload;
	memcpy(builder->bytes + head + 4, &payload32, 4);
	builder->size = (at + 7u) & ~7u;
	builder->records++;
}

/* Writes the header. The plan is a copy of its exact size on the heap, so that a sanitizer sees what reads beyond it. */
static inline uint8_t *builder_end(struct builder *builder)
{
	uint32_t header[4] = { PLAN_MAGIC, PLAN_VERSION, builder->size, builder->records };
	uint8_t *copy = malloc(builder->size);

	memcpy(builder->bytes, header, sizeof(header));
	memcpy(copy, builder->bytes, builder->size);
	return copy;
}

#define N(value) ((uint64_t)(value))

#endif
