/* SPDX-License-Identifier: Apache-2.0 */
#include "retain.h"

#include <errno.h>
#include <sys/mman.h>

#include "descriptor.h"

static const enum plan_record kept[] = {
	PLAN_LAUNCH, PLAN_CGROUP_DIR, PLAN_OOM_FILE, PLAN_USAGE_FILE, PLAN_INIT, PLAN_STDIO,
};

#define HEADER_BYTES 16u
#define KEPT (sizeof(kept) / sizeof(kept[0]))

static void *allocate(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Up to `size` bytes; fewer at the end of the file. */
static ssize_t read_bytes(int fd, uint8_t *to, size_t size)
{
	size_t at = 0;

	while (at < size) {
		ssize_t n = descriptor_read(fd, to + at, size - at);

		if (n < 0)
			return -1;
		if (n == 0)
			break;
		at += (size_t)n;
	}
	return (ssize_t)at;
}

int plan_read(struct plan *plan, int fd, struct error *err)
{
	uint32_t header[HEADER_BYTES / 4] = { 0 };
	ssize_t n = read_bytes(fd, (uint8_t *)header, sizeof(header));
	uint8_t *memory, more;

	if (n < 0)
		return fail(err, STEP_PLAN, "read the plan", NULL);
	if (n != (ssize_t)sizeof(header) || header[2] < HEADER_BYTES || header[2] > PLAN_MAX_BYTES)
		return fail_code(err, STEP_PLAN, EINVAL, "plan's header is wrong", NULL);
	memory = allocate(header[2]);
	if (!memory)
		return fail(err, STEP_PLAN, "read the plan", NULL);
	memcpy(memory, header, sizeof(header));
	n = read_bytes(fd, memory + HEADER_BYTES, header[2] - HEADER_BYTES);
	if (n != (ssize_t)(header[2] - HEADER_BYTES) || read_bytes(fd, &more, 1) != 0)
		return fail_code(err, STEP_PLAN, EINVAL, "plan is shorter or longer than it says", NULL);
	return plan_decode(plan, memory, header[2], err);
}

/* Copies a record with its header and padding, which stand around its payload. */
static uint32_t copy(uint8_t *to, const struct record *record)
{
	uint32_t bytes = 8 + ((record->size + 7u) & ~7u);

	if (to)
		memcpy(to, record->payload - 8, bytes);
	return bytes;
}

static uint32_t copy_all(const struct plan *plan, uint8_t *to, uint32_t *count)
{
	uint32_t at = HEADER_BYTES;
	struct record record;
	size_t i;

	*count = 0;
	for (i = 0; i < KEPT; i++) {
		uint32_t cursor = 0;

		for (; plan_next(plan, kept[i], &cursor, &record); (*count)++)
			at += copy(to ? to + at : NULL, &record);
	}
	return at;
}

int plan_retain(struct plan *plan, struct error *err)
{
	struct plan whole = *plan;
	uint32_t count, size = copy_all(&whole, NULL, &count);
	uint8_t *memory = allocate(size);

	if (!memory)
		return fail(err, STEP_INTERNAL, "keep the plan", NULL);
	(void)copy_all(&whole, memory, &count);
	plan->data = memory;
	plan->size = size;
	plan->records = count;
	(void)munmap((void *)(uintptr_t)whole.data, whole.size);
	return 0;
}
