import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { digestOf } from '@caisson/oci'
import { nativeWriter } from '../../native/native-writer.ts'
import { hashFile, UploadFile } from './upload-file.ts'

const signal = new AbortController().signal
const dir = mkdtempSync(join(tmpdir(), 'csn-upload-'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))

const body = (bytes: Buffer, size: number): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    })(),
  )

test('goes on where it stood, and what was behind that is gone', async () => {
  const path = join(dir, 'on')
  const bytes = randomBytes(3_000_000)
  {
    await using file = await UploadFile.open(path, 0, undefined)
    await file.take(body(bytes, 65_536), {}, signal, () => {})
    assert.deepEqual([file.offset, file.hash], [bytes.length, undefined])
  }
  const kept = bytes.subarray(0, 1_000_001)
  await using file = await UploadFile.open(path, kept.length, undefined)
  await file.take(body(Buffer.from('end'), 1), { length: 3 }, signal, () => {})
  assert.deepEqual(readFileSync(path), Buffer.concat([kept, Buffer.from('end')]))
  assert.equal(`sha256:${await hashFile(path, 'sha256', kept.length)}`, digestOf(kept))
})

test('tells how far it is on the disk while more arrives', async () => {
  const bytes = randomBytes(40 << 20)
  const told: number[] = []
  {
    await using file = await UploadFile.open(join(dir, 'far'), 0, nativeWriter.begin('sha256'))
    await file.take(body(bytes, 65_536), {}, signal, (offset) => told.push(offset))
    assert.ok(file.hash)
    assert.equal(`sha256:${nativeWriter.hex(file.hash)}`, digestOf(bytes))
  }
  const [first = 0] = told
  assert.ok(first >= 32 << 20 && first <= 34 << 20, String(told))
})

test('has no digest any more when the disk took only a part', async () => {
  await using file = await UploadFile.open('/dev/full', 0, nativeWriter.begin('sha256'))
  await assert.rejects(
    file.take(body(Buffer.from('too much'), 8), {}, signal, () => {}),
    { code: 'ENOSPC' },
  )
  assert.deepEqual([file.offset, file.hash], [0, undefined])
})
