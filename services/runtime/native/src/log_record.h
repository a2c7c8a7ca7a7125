/* SPDX-License-Identifier: Apache-2.0
 *
 * The log: segments `log/00000001`, `log/00000002`, ... of a state directory, each a run of records as they were read
 * from the process: chunks, not lines, so that every byte comes back as it was written.
 *
 *   struct log_record · payload · u32 bytes of the whole record again (to walk backwards)
 *
 * Little endian, no padding. A record that does not fit its file, whose two lengths differ, or whose CRC is wrong ends
 * the segment: it is the torn tail of a power cut. A segment is never changed once the next one exists.
 */
#ifndef CAISSON_LOG_RECORD_H
#define CAISSON_LOG_RECORD_H

#include <stdint.h>

struct log_record {
	uint32_t length;   /* of the whole record: this struct, payload, trailer */
	uint8_t stream;    /* enum log_stream */
	uint8_t zero[3];
	uint64_t time_ns;  /* CLOCK_REALTIME when the chunk was read */
	uint32_t crc;      /* CRC-32 (IEEE) of the payload */
	uint32_t zero2;
};

_Static_assert(sizeof(struct log_record) == 24, "the log record's header is 24 bytes");

enum log_stream {
	LOG_STDOUT = 1,
	LOG_STDERR = 2,
	LOG_GAP = 3, /* payload: u64 bytes lost, u32 stream, u32 errno that was the reason */
};

#endif
