/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32.h"
#include "plan_builder.h"
#include "tap.h"

static int make_folder(char *path)
{
	strcpy(path, "/tmp/caisson-log-XXXXXX");
	return open(mkdtemp(path), O_RDONLY | O_DIRECTORY);
}

static void remove_folder(const char *path)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", path);
	if (system(command) != 0)
		printf("# %s is left\n", path);
}

static int open_log(struct log *log, int folder, uint64_t limit, uint32_t kept)
{
	static struct builder b;
	struct error err = { 0 };
	struct plan plan;
	uint8_t *bytes;
	int result;

	builder_begin(&b);
	builder_add(&b, PLAN_LOG, "lii", limit, N(kept), N(0));
	bytes = builder_end(&b);
	plan = (struct plan){ .data = bytes, .size = b.size, .records = 1 };
	result = log_open(log, folder, &plan, &err);
	free(bytes);
	return result;
}

static bool exists(const struct log *log, const char *name)
{
	return faccessat(log->directory, name, F_OK, 0) == 0;
}

static void close_log(struct log *log)
{
	(void)close(log->directory);
	(void)close(log->fd);
}

static void writes_records(void)
{
	char path[64], bytes[256];
	int folder = make_folder(path);
	struct log_record head;
	uint32_t trailer;
	struct log log;

	ok(open_log(&log, folder, 4096, 2) == 0 && log.segment == 1 && log.bytes == 0, "begins with segment 1");
	ok(log_append(&log, LOG_STDERR, 77, "hello", 5) == 0 && log.bytes == 24 + 5 + 4, "appends a record");
	ok(pread(openat(log.directory, "00000001", O_RDONLY), bytes, sizeof(bytes), 0) == 33, "writes all of it");
	memcpy(&head, bytes, sizeof(head));
	memcpy(&trailer, bytes + 29, sizeof(trailer));
	ok(head.length == 33 && trailer == 33 && head.stream == LOG_STDERR && head.time_ns == 77 &&
		   head.crc == crc32("hello", 5) && !memcmp(bytes + 24, "hello", 5),
	   "as log_record.h has it");
	close_log(&log);
	ok(open_log(&log, folder, 4096, 2) == 0 && log.segment == 2, "continues a log in a new segment");
	close_log(&log);
	(void)close(folder);
	remove_folder(path);
}

static void rotates(void)
{
	char path[64], chunk[600];
	int folder = make_folder(path), i;
	struct log log;

	memset(chunk, 'x', sizeof(chunk));
	(void)open_log(&log, folder, 1024, 2);
	for (i = 0; i < 4; i++)
		(void)log_append(&log, LOG_STDOUT, 0, chunk, sizeof(chunk));
	ok(log.segment == 4 && !exists(&log, "00000001") && !exists(&log, "00000002") && exists(&log, "00000003"),
	   "keeps the last segments only");
	log.pinned = 3;
	ok(log_append(&log, LOG_STDOUT, 0, chunk, sizeof(chunk)) == -1 && errno == EAGAIN && log.segment == 4,
	   "waits for a pinned reader that is a whole log behind");
	log.ending = true;
	ok(log_append(&log, LOG_STDOUT, 0, chunk, sizeof(chunk)) == 0 && exists(&log, "00000003"),
	   "does not wait at the end, and still keeps what the reader needs");
	log.pinned = LOG_UNPINNED;
	log_drop(&log);
	ok(!exists(&log, "00000003") && exists(&log, "00000004"), "drops it once nobody needs it");
	close_log(&log);
	(void)close(folder);
	remove_folder(path);
}

/* A file size limit is a disk that is full in the middle of a record. */
static void overwrites_torn_records(void)
{
	struct rlimit before, small = { 50, 50 };
	char path[64], chunk[40];
	int folder = make_folder(path);
	struct log log;

	memset(chunk, 'y', sizeof(chunk));
	(void)open_log(&log, folder, 1 << 20, 2);
	(void)getrlimit(RLIMIT_FSIZE, &before);
	small.rlim_max = before.rlim_max;
	(void)setrlimit(RLIMIT_FSIZE, &small);
	ok(log_append(&log, LOG_STDOUT, 0, chunk, sizeof(chunk)) == -1 && log.bytes == 0, "says that a record did not fit");
	(void)setrlimit(RLIMIT_FSIZE, &before);
	ok(lseek(log.fd, 0, SEEK_END) == 0, "and leaves no part of it");
	ok(log_append(&log, LOG_STDOUT, 0, chunk, sizeof(chunk)) == 0 && log.bytes == 68, "writes it again, at the same place");
	close_log(&log);
	(void)close(folder);
	remove_folder(path);
}

int main(void)
{
	(void)signal(SIGXFSZ, SIG_IGN);
	ok(crc32("123456789", 9) == 0xcbf43926u, "computes the CRC of zlib");
	writes_records();
	rotates();
	overwrites_torn_records();
	return tap_end();
}
