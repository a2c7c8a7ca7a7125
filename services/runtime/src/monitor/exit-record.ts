import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

/** How a main process ended, as its monitor recorded it (native/src/exit_record.h). Times are nanoseconds. */
export interface ExitRecord {
  /** 0..255; 128 + signal when a signal ended it. */
  readonly exitCode: number
  /** 0 when it ended by itself. */
  readonly signal: number
  /** The kernel killed the main process for memory. */
  readonly oomKilled: boolean
  readonly coreDumped: boolean
  /** The last log segment, and the bytes in it. */
  readonly logSegment: number
  readonly logBytes: number
  /** By the host's clock. 0: it never ran. */
  readonly startedNs: bigint
  readonly finishedNs: bigint
  /** Monotonic time between the two. */
  readonly runNs: bigint
  /** 0: not known. */
  readonly cpuNs: bigint
  /** Bytes. 0: not known. */
  readonly memoryPeak: number
  readonly oomKills: number
  /** Output that could not be kept. */
  readonly droppedBytes: number
}

export const EXIT_RECORD_BYTES = 96

const MAGIC = 0x54495845
const VERSION = 1
const CRC_OFFSET = 88
const FLAG_OOM = 1
const FLAG_CORE = 2

/** Reads a record. Undefined when it is all zeros (not ended), 'damaged' when it is anything but a whole record. */
export function decodeExitRecord(bytes: Buffer): ExitRecord | 'damaged' | undefined {
  if (bytes.length !== EXIT_RECORD_BYTES) return 'damaged'
  if (bytes.every((byte) => byte === 0)) return undefined
  if (bytes.readUInt32LE(0) !== MAGIC || bytes.readUInt32LE(4) !== VERSION) return 'damaged'
  if (crc32(bytes.subarray(0, CRC_OFFSET)) !== bytes.readUInt32LE(CRC_OFFSET)) return 'damaged'
  const flags = bytes.readUInt32LE(16)
  return {
    exitCode: bytes.readInt32LE(8),
    signal: bytes.readUInt32LE(12),
    oomKilled: (flags & FLAG_OOM) !== 0,
    coreDumped: (flags & FLAG_CORE) !== 0,
    logSegment: bytes.readUInt32LE(20),
    logBytes: Number(bytes.readBigUInt64LE(24)),
    startedNs: bytes.readBigUInt64LE(32),
    finishedNs: bytes.readBigUInt64LE(40),
    runNs: bytes.readBigUInt64LE(48),
    cpuNs: bytes.readBigUInt64LE(56),
    memoryPeak: Number(bytes.readBigUInt64LE(64)),
    oomKills: Number(bytes.readBigUInt64LE(72)),
    droppedBytes: Number(bytes.readBigUInt64LE(80)),
  }
}

/** Writes a record as a monitor does. */
export function encodeExitRecord(record: ExitRecord): Buffer {
  const bytes = Buffer.alloc(EXIT_RECORD_BYTES)
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt32LE(VERSION, 4)
  bytes.writeInt32LE(record.exitCode, 8)
  bytes.writeUInt32LE(record.signal, 12)
  bytes.writeUInt32LE((record.oomKilled ? FLAG_OOM : 0) | (record.coreDumped ? FLAG_CORE : 0), 16)
  bytes.writeUInt32LE(record.logSegment, 20)
  bytes.writeBigUInt64LE(BigInt(record.logBytes), 24)
  bytes.writeBigUInt64LE(record.startedNs, 32)
  bytes.writeBigUInt64LE(record.finishedNs, 40)
  bytes.writeBigUInt64LE(record.runNs, 48)
  bytes.writeBigUInt64LE(record.cpuNs, 56)
  bytes.writeBigUInt64LE(BigInt(record.memoryPeak), 64)
  bytes.writeBigUInt64LE(BigInt(record.oomKills), 72)
  bytes.writeBigUInt64LE(BigInt(record.droppedBytes), 80)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_OFFSET)), CRC_OFFSET)
  return bytes
}

/** Reads the file `exit` of a state directory; no file is like a record that was not written. */
export function readExitRecord(stateDir: string): ExitRecord | 'damaged' | undefined {
  try {
    return decodeExitRecord(readFileSync(join(stateDir, 'exit')))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
