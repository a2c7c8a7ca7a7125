/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing the log (log_record.h): whole records, segment after segment, old ones dropped.
 */
#ifndef CAISSON_LOG_H
#define CAISSON_LOG_H

#include "decode.h"
#include "log_record.h"

#define LOG_UNPINNED UINT32_MAX

struct log {
	int directory;    /* -1: nothing is kept */
	int fd;
	uint32_t segment; /* current one; 0: none yet */
	uint32_t oldest;  /* lowest that may still exist */
	uint64_t bytes;   /* whole records in the current segment */
	uint64_t limit;   /* bytes a segment */
	uint32_t kept;    /* number of segments */
	uint32_t pinned;  /* lowest segment that a reader still needs, or LOG_UNPINNED */
	bool held;        /* PLAN_LOG_HELD */
	bool ending;      /* no reader is waited for any more; what it needs is still not dropped */
};

/* Opens the log of PLAN_LOG below a state directory. One that is there is continued in a new segment. */
int log_open(struct log *log, int state, const struct plan *plan, struct error *err);

/*
 * Appends one record with all of `data`, or nothing. -1 and errno: EAGAIN when a pinned reader has to come along first; with
 * any other, the same call later may succeed.
 */
int log_append(struct log *log, enum log_stream stream, uint64_t time_ns, const void *data, size_t size);

/* Drops segments that are over the number to keep and that no reader needs. */
void log_drop(struct log *log);

#endif
