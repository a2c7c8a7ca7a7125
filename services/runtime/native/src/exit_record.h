/* SPDX-License-Identifier: Apache-2.0
 *
 * The file `exit` of a state directory: how the main process ended. It is made with zeros (and its directory entry
 * synced) before the program runs, so that recording an end needs no new disk block, and written once, with fdatasync,
 * after the output was drained and before anybody is told. All zeros: not ended, or nobody saw the end.
 */
#ifndef CAISSON_EXIT_RECORD_H
#define CAISSON_EXIT_RECORD_H

#include <stdint.h>

#define EXIT_RECORD_MAGIC 0x54495845u /* "EXIT" */

struct exit_record {
	uint32_t magic;
	uint32_t version;       /* 1 */
	int32_t exit_code;      /* 0..255; 128 + signal when a signal ended it */
	uint32_t signal;        /* 0 when it ended by itself */
	uint32_t flags;         /* EXIT_* */
	uint32_t log_segment;   /* last log segment, and the bytes in it */
	uint64_t log_bytes;
	uint64_t started_ns;    /* CLOCK_REALTIME; 0: never ran */
	uint64_t finished_ns;
	uint64_t run_ns;        /* CLOCK_MONOTONIC between the two */
	uint64_t cpu_ns;        /* 0: not known */
	uint64_t memory_peak;   /* bytes, 0: not known */
	uint64_t oom_kills;
	uint64_t dropped_bytes; /* output that could not be kept; always also a gap record in the log */
	uint32_t crc;           /* CRC-32 (IEEE, as zlib's) of the bytes before it */
	uint32_t zero;
};

_Static_assert(sizeof(struct exit_record) == 96, "the exit record is 96 bytes");

#define EXIT_OOM 0x1u          /* the kernel killed the main process for memory */
#define EXIT_CORE 0x2u         /* the kernel says a core was dumped */

#endif
