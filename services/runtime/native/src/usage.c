/* SPDX-License-Identifier: Apache-2.0 */
#include "usage.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>

#include "descriptor.h"
#include "files.h"

#define KIND_V2 1u
#define KIND_V1 2u
#define TEXT_BYTES 2048
#define PATH_BYTES 4096

static uint64_t count(const struct plan *plan)
{
	struct record record;
	char text[TEXT_BYTES];
	uint64_t kills;

	if (!plan_find(plan, PLAN_OOM_FILE, &record) ||
	    files_read(AT_FDCWD, record_string(&record, 4), text, sizeof(text)) < 0)
		return 0;
	return files_keyed_number(text, "oom_kill", &kills) ? kills : 0;
}

void oom_begin(const struct plan *plan, struct oom *oom)
{
	struct record record;

	*oom = (struct oom){ .fd = -1 };
	if (!plan_find(plan, PLAN_OOM_FILE, &record))
		return;
	oom->kind = record_u32(&record, 0);
	oom->start = count(plan);
}

/* v1: an eventfd that the group's cgroup.event_control is told of, together with the file to watch. */
static int watch_v1(const char *path)
{
	autoclose int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	autoclose int file = descriptor_open(path, O_RDONLY | O_NOFOLLOW);
	char control[PATH_BYTES + 24], text[48];
	size_t length = (size_t)(strrchr(path, '/') - path);

	if (event < 0 || file < 0)
		return -1;
	memcpy(control, path, length);
	strcpy(control + length, "/cgroup.event_control");
	length = files_format(text, (uint64_t)event);
	text[length++] = ' ';
	length += files_format(text + length, (uint64_t)file);
	if (files_write(AT_FDCWD, control, text, length) < 0)
		return -1;
	return descriptor_take(&event);
}

void oom_watch(const struct plan *plan, struct oom *oom)
{
	struct record record;

	if (!plan_find(plan, PLAN_OOM_FILE, &record))
		return;
	if (oom->kind == KIND_V1)
		oom->fd = watch_v1(record_string(&record, 4));
	else
		oom->fd = descriptor_open(record_string(&record, 4), O_RDONLY | O_NOFOLLOW);
}

void oom_read(const struct plan *plan, struct oom *oom)
{
	char text[TEXT_BYTES];
	uint64_t now;

	/* Reading is what makes the kernel tell again. */
	if (oom->fd >= 0 && (oom->kind == KIND_V1 || lseek(oom->fd, 0, SEEK_SET) == 0) &&
	    descriptor_read(oom->fd, text, sizeof(text)) < 0 && errno != EAGAIN)
		descriptor_close(&oom->fd);
	now = oom->kind ? count(plan) : 0;
	if (now > oom->start)
		oom->seen = now - oom->start;
}

void usage_read(const struct plan *plan, struct exit_record *record)
{
	struct record file;
	uint32_t cursor = 0;

	while (plan_next(plan, PLAN_USAGE_FILE, &cursor, &file)) {
		char text[TEXT_BYTES];
		uint64_t value;

		if (files_read(AT_FDCWD, record_string(&file, 4), text, sizeof(text)) < 0)
			continue;
		switch ((enum plan_usage)record_u32(&file, 0)) {
		case PLAN_USAGE_CPU_USEC_STAT:
			if (files_keyed_number(text, "usage_usec", &value))
				record->cpu_ns = value * 1000;
			break;
		case PLAN_USAGE_CPU_NSEC:
			if (files_number(text, &value))
				record->cpu_ns = value;
			break;
		case PLAN_USAGE_MEMORY_PEAK:
			if (files_number(text, &value))
				record->memory_peak = value;
			break;
		}
	}
}
