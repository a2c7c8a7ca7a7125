/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "crc32.h"
#include "descriptor.h"
#include "files.h"

#define DIGITS 8
#define NAME_BYTES 24

/* Eight digits, or more when there are that many segments. */
static void segment_name(char name[NAME_BYTES], uint32_t segment)
{
	char digits[21];
	size_t length = files_format(digits, segment), pad = length < DIGITS ? DIGITS - length : 0;

	memset(name, '0', pad);
	memcpy(name + pad, digits, length + 1);
}

static int open_segment(struct log *log, uint32_t segment)
{
	char name[NAME_BYTES];
	int fd;

	segment_name(name, segment);
	/* One that was begun and failed is begun again. */
	fd = openat(log->directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	descriptor_close(&log->fd);
	log->fd = fd;
	log->segment = segment;
	log->bytes = 0;
	return 0;
}

/* Finds the lowest and the highest segment that exist. */
static int survey(struct log *log, uint32_t *highest)
{
	int fd = openat(log->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	uint64_t number;

	*highest = 0;
	log->oldest = UINT32_MAX;
	if (!list) {
		descriptor_close(&fd);
		return -1;
	}
	while ((entry = readdir(list))) {
		if (!files_number(entry->d_name, &number) || number == 0 || number >= UINT32_MAX)
			continue;
		*highest = number > *highest ? (uint32_t)number : *highest;
		log->oldest = number < log->oldest ? (uint32_t)number : log->oldest;
	}
	(void)closedir(list);
	return 0;
}

int log_open(struct log *log, int state, const struct plan *plan, struct error *err)
{
	uint32_t highest = 0;
	struct record record;
	bool fresh;

	*log = (struct log){ .directory = -1, .fd = -1, .pinned = LOG_UNPINNED };
	if (!plan_find(plan, PLAN_LOG, &record))
		return 0;
	log->limit = record_u64(&record, 0);
	log->kept = record_u32(&record, 8);
	log->held = record_u32(&record, 12) & PLAN_LOG_HELD;
	fresh = mkdirat(state, "log", 0700) == 0;
	if (!fresh && errno != EEXIST)
		return fail(err, STEP_STATE, "make", "log");
	log->directory = openat(state, "log", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (log->directory < 0)
		return fail(err, STEP_STATE, "open", "log");
	if (!fresh && survey(log, &highest) < 0)
		return fail(err, STEP_STATE, "read", "log");
	if (highest == 0)
		log->oldest = 1;
	if (open_segment(log, highest + 1) < 0)
		return fail(err, STEP_STATE, "make a segment of", "log");
	log_drop(log);
	return 0;
}

/* The oldest segment to keep once `segment` is the current one. */
static uint32_t first_kept(const struct log *log, uint32_t segment)
{
	return segment >= log->kept ? segment - log->kept + 1 : 1;
}

void log_drop(struct log *log)
{
	char name[NAME_BYTES];
	uint32_t first = log->directory < 0 ? 0 : first_kept(log, log->segment);

	for (; log->oldest < first && log->oldest < log->pinned; log->oldest++) {
		segment_name(name, log->oldest);
		if (unlinkat(log->directory, name, 0) < 0 && errno != ENOENT)
			return;
	}
}

static int rotate(struct log *log)
{
	if (!log->ending && log->pinned < first_kept(log, log->segment + 1)) {
		errno = EAGAIN;
		return -1;
	}
	if (open_segment(log, log->segment + 1) < 0)
		return -1;
	log_drop(log);
	return 0;
}

int log_append(struct log *log, enum log_stream stream, uint64_t time_ns, const void *data, size_t size)
{
	uint32_t length = (uint32_t)(sizeof(struct log_record) + size + sizeof(length));
	struct log_record head = { .length = length, .stream = (uint8_t)stream, .time_ns = time_ns };
	struct iovec parts[3] = {
		{ &head, sizeof(head) }, { (void *)(uintptr_t)data, size }, { &length, sizeof(length) },
	};
	ssize_t n;

	if (log->directory < 0)
		return 0;
	if (log->bytes && log->bytes + length > log->limit && rotate(log) < 0)
		return -1;
	head.crc = crc32(data, size);
	do
		n = pwritev(log->fd, parts, 3, (off_t)log->bytes);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	if ((size_t)n != length) {
		/* What the process wrote must not stand where a reader looks for records. */
		(void)ftruncate(log->fd, (off_t)log->bytes);
		errno = ENOSPC;
		return -1;
	}
	log->bytes += length;
	return 0;
}
