import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { nativeWriter, type RunningHash } from './native-writer.ts'

const dir = mkdtempSync(join(tmpdir(), 'csn-writer-'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))

const hexOf = (algorithm: string, ...bytes: Buffer[]): string =>
  createHash(algorithm).update(Buffer.concat(bytes)).digest('hex')

/** A buffer that shares its memory with no other. */
const whole = (bytes: Buffer): Buffer => Buffer.from(new Uint8Array(bytes).buffer)

for (const algorithm of ['sha256', 'sha512'] as const)
  test(`writes pieces from an offset on and makes their ${algorithm} on the way`, async () => {
    const path = join(dir, algorithm)
    await using file = await open(path, 'w')
    const first = randomBytes(100_000)
    const second = [Buffer.from('a'), Buffer.alloc(0), randomBytes(700_000)]
    const hash = nativeWriter.begin(algorithm)
    assert.equal(nativeWriter.hex(hash), hexOf(algorithm))
    await nativeWriter.write(hash, file.fd, 0, [whole(first)])
    const copy = nativeWriter.copy(hash)
    await nativeWriter.write(hash, file.fd, first.length, second.map(whole))
    assert.equal(nativeWriter.hex(copy), hexOf(algorithm, first))
    assert.equal(nativeWriter.hex(hash), hexOf(algorithm, first, ...second))
    assert.deepEqual(readFileSync(path), Buffer.concat([first, ...second]))
  })

test('writes what needs no digest', async () => {
  const path = join(dir, 'plain')
  await using file = await open(path, 'w')
  await nativeWriter.write(undefined, file.fd, 2, [Buffer.from('cd')])
  assert.deepEqual(readFileSync(path), Buffer.from('\0\0cd'))
})

test('gives the memory of pieces back at the end, but none that others have a part of', async () => {
  await using file = await open(join(dir, 'memory'), 'w')
  const own = whole(randomBytes(1_000))
  const shared = whole(randomBytes(1_000))
  const part = shared.subarray(10, 20)
  const writing = nativeWriter.write(undefined, file.fd, 0, [own, part])
  assert.equal(own.length, 1_000)
  await writing
  assert.deepEqual([own.length, shared.length, part.length], [0, 1_000, 10])
})

test('tells of a disk that is full', async () => {
  await using full = await open('/dev/full', 'w')
  const hash = nativeWriter.begin('sha256')
  await assert.rejects(nativeWriter.write(hash, full.fd, 0, [Buffer.from('x')]), { code: 'ENOSPC' })
})

test('refuses a digest that is being added to, and what is none of its arguments', async () => {
  await using file = await open(join(dir, 'refused'), 'w')
  const hash = nativeWriter.begin('sha256')
  const writing = nativeWriter.write(hash, file.fd, 0, [Buffer.from('x')])
  assert.throws(() => nativeWriter.hex(hash), TypeError)
  assert.throws(() => nativeWriter.copy(hash), TypeError)
  assert.throws(() => void nativeWriter.write(hash, file.fd, 1, []), TypeError)
  await writing
  assert.equal(nativeWriter.hex(hash), hexOf('sha256', Buffer.from('x')))
  assert.throws(() => nativeWriter.begin('md5' as 'sha256'), TypeError)
  assert.throws(() => nativeWriter.hex({} as RunningHash), TypeError)
  for (const wrong of [
    [{}, file.fd, 0, []],
    [hash, -1, 0, []],
    [hash, 123_456, 0, []],
    [hash, file.fd, 0.5, []],
    [hash, file.fd, 0, ['text']],
    [hash, file.fd, 0, 'text'],
    [],
  ])
    assert.throws(() => Reflect.apply(nativeWriter.write, undefined, wrong), TypeError)
  assert.equal(nativeWriter.hex(hash), hexOf('sha256', Buffer.from('x')))
})
