/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a launch plan (plan.h). plan_decode checks everything once: after it, records have the shape and the values
 * that plan.h gives them, strings end with a NUL inside their record, and paths are absolute where they must be.
 */
#ifndef CAISSON_DECODE_H
#define CAISSON_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "error.h"
#include "plan.h"

struct record {
	enum plan_record type;
	uint32_t size;
	const uint8_t *payload;
};

struct plan {
	const uint8_t *data;
	uint32_t size;
	uint32_t records;
	enum plan_kind kind;
	uint32_t flags;      /* PLAN_LAUNCH_* */
	uint64_t namespaces; /* CLONE_NEW* to make (create), or to join (exec) */
	uint64_t joined;     /* CLONE_NEW* of all PLAN_JOIN records */
};

/* `data` must stay where it is for as long as the plan is used. A plan that is refused is left without any record. */
int plan_decode(struct plan *plan, const void *data, size_t size, struct error *err);

/* The next record of a type. `cursor` starts at 0. False when there is none any more. */
bool plan_next(const struct plan *plan, enum plan_record type, uint32_t *cursor, struct record *record);

/* The first record of a type. False when there is none. */
bool plan_find(const struct plan *plan, enum plan_record type, struct record *record);

/* Number of records of a type. */
uint32_t plan_count(const struct plan *plan, enum plan_record type);

static inline uint16_t record_u16(const struct record *record, uint32_t offset)
{
	uint16_t value;

	memcpy(&value, record->payload + offset, sizeof(value));
	return value;
}

static inline uint32_t record_u32(const struct record *record, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, record->payload + offset, sizeof(value));
	return value;
}

static inline uint64_t record_u64(const struct record *record, uint32_t offset)
{
	uint64_t value;

	memcpy(&value, record->payload + offset, sizeof(value));
	return value;
}

/* The string at an offset of the payload. */
static inline const char *record_string(const struct record *record, uint32_t offset)
{
	return (const char *)record->payload + offset;
}

/* The string behind another string of the same record. */
static inline const char *string_after(const char *string)
{
	return string + strlen(string) + 1;
}

#endif
