import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { LOG_HEADER_BYTES, LOG_MAX_RECORD_BYTES, LOG_STREAM } from './log-format.ts'
import { decodeLogRecord, toLogEntry } from './log-record.ts'
import { encodeGap, encodeLogRecord } from './segment-writer.fixture.ts'

const header = readFileSync(join(import.meta.dirname, '../../native/src/log_record.h'), 'utf8')
const place = { segment: 1, offset: 0 }

describe('a log record', () => {
  test('has the numbers of the native header', () => {
    for (const [name, value] of Object.entries(LOG_STREAM))
      assert.match(header, new RegExp(`LOG_${name.toUpperCase()} = ${value}\\b`))
    assert.match(header, new RegExp(`sizeof\\(struct log_record\\) == ${LOG_HEADER_BYTES}`))
  })

  test('comes back as it was written', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 255 }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.uint8Array({ maxLength: 4_096 }),
        fc.uint8Array({ maxLength: 64 }),
        (stream, timeNs, payload, before) => {
          const record = encodeLogRecord(stream, timeNs, payload)
          const decoded = decodeLogRecord(Buffer.concat([before, record]), before.length)
          assert.deepEqual(decoded, { length: record.length, stream, timeNs, payload: Buffer.from(payload) })
        },
      ),
    )
  })

  test('asks for more bytes while it is not whole', () => {
    const record = encodeLogRecord(LOG_STREAM.stdout, 1n, Buffer.from('hello'))
    for (let bytes = 0; bytes < record.length; bytes += 1) {
      const decoded = decodeLogRecord(record.subarray(0, bytes), 0)
      assert.ok(typeof decoded === 'object' && 'need' in decoded, `${bytes} bytes`)
    }
  })

  test('is refused when its payload, its lengths or its checksum are changed', () => {
    const record = encodeLogRecord(LOG_STREAM.stdout, 1n, Buffer.from('hello'))
    for (const at of [0, 16, 17, 24, 28, record.length - 4, record.length - 1]) {
      const changed = Buffer.from(record)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      const decoded = decodeLogRecord(Buffer.concat([changed, Buffer.alloc(8)]), 0)
      assert.equal(decoded, 'torn', `byte ${at}`)
    }
  })

  test('is refused when it says it is longer than any record is', () => {
    const bytes = Buffer.alloc(64)
    bytes.writeUInt32LE(LOG_MAX_RECORD_BYTES + 1, 0)
    assert.equal(decodeLogRecord(bytes, 0), 'torn')
    assert.equal(decodeLogRecord(Buffer.alloc(64), 0), 'torn')
  })

  test('tells of lost bytes', () => {
    const payload = encodeGap(4_096n, LOG_STREAM.stderr, constants.errno.ENOSPC)
    assert.deepEqual(toLogEntry({ length: 44, stream: LOG_STREAM.gap, timeNs: 7n, payload }, place), {
      kind: 'gap',
      at: place,
      timeNs: 7n,
      bytes: 4_096,
      reason: 'disk_full',
      stream: 'stderr',
    })
  })

  test('of a kind that is not known is passed over', () => {
    assert.equal(toLogEntry({ length: 28, stream: 9, timeNs: 0n, payload: Buffer.alloc(0) }, place), undefined)
  })

  test('is never taken for another by any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 256 }), fc.nat(300), (bytes, at) => {
        const decoded = decodeLogRecord(Buffer.from(bytes), at)
        if (typeof decoded === 'object' && 'payload' in decoded) assert.ok(at + decoded.length <= bytes.length)
      }),
    )
  })
})
