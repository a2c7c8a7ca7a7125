/**
 * The numbers of the log. native/src/log_record.h is the definition; log-record.test.ts reads that file and compares.
 */

/** Bytes of struct log_record. */
export const LOG_HEADER_BYTES = 24

/** The record's length once more, behind the payload. */
export const LOG_TRAILER_BYTES = 4

/** The shortest record: one without a payload. */
export const LOG_MIN_RECORD_BYTES = LOG_HEADER_BYTES + LOG_TRAILER_BYTES

/**
 * The longest record that is believed. The monitor writes what one read gave it, far less; a longer length is damage, and
 * must not make a reader take memory for it.
 */
export const LOG_MAX_RECORD_BYTES = 4 << 20

export const LOG_STREAM = { stdout: 1, stderr: 2, gap: 3 } as const

/** Payload of a gap record: u64 bytes lost, u32 stream, u32 errno. */
export const LOG_GAP_BYTES = 16

/** Offsets in struct log_record. */
export const LOG_FIELD = { length: 0, stream: 4, timeNs: 8, crc: 16 } as const
