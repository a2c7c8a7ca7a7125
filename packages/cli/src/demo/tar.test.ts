import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { writeTar } from './tar.ts'

const ENTRIES = [
  { kind: 'directory', path: 'bin', mode: 0o755 },
  { kind: 'file', path: 'bin/tool', mode: 0o755, data: Buffer.alloc(700, 'x') },
  { kind: 'symlink', path: 'bin/link', target: 'tool' },
  { kind: 'file', path: 'empty', mode: 0o644, data: new Uint8Array() },
] as const

test('writes an archive that tar reads', () => {
  const archive = writeTar(ENTRIES)
  const listing = execFileSync('tar', ['-tvf', '-', '--numeric-owner'], { input: archive, encoding: 'utf8' })
  const lines = listing
    .trim()
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' ').replace(/ 1970-01-01 \S+/, ''))
  assert.deepEqual(lines, [
    'drwxr-xr-x 0/0 0 bin/',
    '-rwxr-xr-x 0/0 700 bin/tool',
    'lrwxrwxrwx 0/0 0 bin/link -> tool',
    '-rw-r--r-- 0/0 0 empty',
  ])
  assert.equal(execFileSync('tar', ['-xOf', '-', 'bin/tool'], { input: archive, encoding: 'utf8' }), 'x'.repeat(700))
})

test('writes the same bytes for the same entries, and refuses what does not fit', () => {
  assert.deepEqual(writeTar(ENTRIES), writeTar(ENTRIES))
  assert.equal(writeTar(ENTRIES).length % 512, 0)
  assert.throws(() => writeTar([{ kind: 'directory', path: 'a'.repeat(100), mode: 0o755 }]), /does not fit/)
})
