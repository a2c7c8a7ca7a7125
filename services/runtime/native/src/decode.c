/* SPDX-License-Identifier: Apache-2.0 */
#include "decode.h"

#include <errno.h>

#include "check.h"

#define HEADER_BYTES 16u
#define RECORD_HEADER_BYTES 8u

/* The payload of a record: h u16, i u32, l u64, s string, S strings up to the end, b bytes in multiples of 8. */
struct shape {
	const char *layout;
	bool once;
};

static const struct shape shapes[] = {
	[PLAN_LAUNCH] = { "ii", true },
	[PLAN_NAMESPACES] = { "l", true },
	[PLAN_JOIN] = { "ls", false },
	[PLAN_UID_MAP] = { "iii", false },
	[PLAN_GID_MAP] = { "iii", false },
	[PLAN_EXEC_TARGET] = { "ill", true },
	[PLAN_CGROUP_DIR] = { "is", false },
	[PLAN_CGROUP_WRITE] = { "iss", false },
	[PLAN_CGROUP_DEVICES] = { "b", true },
	[PLAN_OOM_FILE] = { "is", true },
	[PLAN_USAGE_FILE] = { "is", false },
	[PLAN_ROOT_OVERLAY] = { "iisssS", true },
	[PLAN_ROOT_BIND] = { "is", true },
	[PLAN_ROOT_PROPAGATION] = { "i", true },
	[PLAN_MOUNT] = { "iisss", false },
	[PLAN_DEV_NODE] = { "iiiiis", false },
	[PLAN_DEV_LINK] = { "ss", false },
	[PLAN_MASK] = { "s", false },
	[PLAN_READONLY] = { "s", false },
	[PLAN_HOSTNAME] = { "s", true },
	[PLAN_DOMAINNAME] = { "s", true },
	[PLAN_SYSCTL] = { "ss", false },
	[PLAN_ARGV] = { "s", false },
	[PLAN_ENV] = { "s", false },
	[PLAN_CWD] = { "is", true },
	[PLAN_USER] = { "is", true },
	[PLAN_GROUP] = { "s", false },
	[PLAN_UMASK] = { "i", true },
	[PLAN_RLIMIT] = { "iill", false },
	[PLAN_CAPABILITIES] = { "lllll", true },
	[PLAN_SECCOMP] = { "iib", true },
	[PLAN_OOM_SCORE_ADJ] = { "i", true },
	[PLAN_INIT] = { "", true },
	[PLAN_STDIO] = { "ihh", true },
	[PLAN_LOG] = { "lii", true },
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static uint32_t string_bytes(const uint8_t *at, uint32_t left)
{
	const uint8_t *end = left ? memchr(at, 0, left) : NULL;

	return end ? (uint32_t)(end - at) + 1 : 0;
}

/* Bytes that the layout's next element takes of `left`; 0 when it does not fit. */
static uint32_t element_bytes(char element, const uint8_t *at, uint32_t left)
{
	uint32_t fixed = element == 'h' ? 2 : element == 'i' ? 4 : element == 'l' ? 8 : 0;

	if (fixed)
		return left >= fixed ? fixed : 0;
	if (element == 'b')
		return left % 8 == 0 ? left : 0;
	return string_bytes(at, left);
}

static bool has_shape(const struct record *record, const char *layout)
{
	uint32_t at = 0;

	for (; *layout; layout++) {
		uint32_t n;

		if (*layout == 'S') {
			while (at < record->size) {
				n = string_bytes(record->payload + at, record->size - at);
				if (!n)
					return false;
				at += n;
			}
			continue;
		}
		n = element_bytes(*layout, record->payload + at, record->size - at);
		if (!n)
			return false;
		at += n;
	}
	return at == record->size;
}

/* Reads the record at `*offset` and moves behind it. False when it does not fit the plan. */
static bool step(const uint8_t *data, uint32_t size, uint32_t *offset, struct record *record, bool *clean)
{
	uint16_t type, zero;
	uint32_t bytes, padded, i;

	if (size - *offset < RECORD_HEADER_BYTES)
		return false;
	memcpy(&type, data + *offset, 2);
	memcpy(&zero, data + *offset + 2, 2);
	memcpy(&bytes, data + *offset + 4, 4);
	if (bytes > size)
		return false;
	padded = (bytes + 7u) & ~7u;
	if (padded > size - *offset - RECORD_HEADER_BYTES)
		return false;
	record->type = (enum plan_record)type;
	record->size = bytes;
	record->payload = data + *offset + RECORD_HEADER_BYTES;
	*clean = zero == 0;
	for (i = bytes; i < padded; i++)
		*clean = *clean && record->payload[i] == 0;
	*offset += RECORD_HEADER_BYTES + padded;
	return true;
}

static int decode_record(const struct record *record, bool seen[SHAPES], struct error *err)
{
	if (record->type >= SHAPES || !shapes[record->type].layout)
		return fail_code(err, STEP_PLAN, EINVAL, "unknown record", NULL);
	if (!has_shape(record, shapes[record->type].layout))
		return fail_code(err, STEP_PLAN, EINVAL, "record of a wrong shape", NULL);
	if (seen[record->type] && shapes[record->type].once)
		return fail_code(err, STEP_PLAN, EINVAL, "record stands twice", NULL);
	seen[record->type] = true;
	return check_record(record, err);
}

static int decode_header(struct plan *plan, const uint8_t *data, size_t size, struct error *err)
{
	uint32_t header[4];

	if (size < HEADER_BYTES || size > PLAN_MAX_BYTES)
		return fail_code(err, STEP_PLAN, EINVAL, "plan is too short or too long", NULL);
	memcpy(header, data, sizeof(header));
	if (header[0] != PLAN_MAGIC || header[1] != PLAN_VERSION || header[2] != size || header[3] > PLAN_MAX_RECORDS)
		return fail_code(err, STEP_PLAN, EINVAL, "plan's header is wrong", NULL);
	*plan = (struct plan){ .data = data, .size = (uint32_t)size, .records = header[3] };
	return 0;
}

static int decode(struct plan *plan, const void *data, size_t size, struct error *err)
{
	bool seen[SHAPES] = { false };
	uint32_t offset = HEADER_BYTES, i;

	if (decode_header(plan, data, size, err) < 0)
		return -1;
	for (i = 0; i < plan->records; i++) {
		struct record record;
		bool clean;

		if (!step(plan->data, plan->size, &offset, &record, &clean) || !clean)
			return fail_code(err, STEP_PLAN, EINVAL, "record does not fit the plan", NULL);
		if (decode_record(&record, seen, err) < 0)
			return -1;
	}
	if (offset != plan->size)
		return fail_code(err, STEP_PLAN, EINVAL, "bytes behind the last record", NULL);
	return check_plan(plan, err);
}

int plan_decode(struct plan *plan, const void *data, size_t size, struct error *err)
{
	if (decode(plan, data, size, err) == 0)
		return 0;
	/* Nothing of a plan that was not believed whole is ever looked at. */
	*plan = (struct plan){ 0 };
	return -1;
}

bool plan_next(const struct plan *plan, enum plan_record type, uint32_t *cursor, struct record *record)
{
	uint32_t offset = *cursor ? *cursor : HEADER_BYTES;

	while (offset < plan->size) {
		bool clean;

		if (!step(plan->data, plan->size, &offset, record, &clean))
			return false;
		if (record->type == type) {
			*cursor = offset;
			return true;
		}
	}
	return false;
}

bool plan_find(const struct plan *plan, enum plan_record type, struct record *record)
{
	uint32_t cursor = 0;

	return plan_next(plan, type, &cursor, record);
}

uint32_t plan_count(const struct plan *plan, enum plan_record type)
{
	uint32_t cursor = 0, count = 0;
	struct record record;

	while (plan_next(plan, type, &cursor, &record))
		count++;
	return count;
}
