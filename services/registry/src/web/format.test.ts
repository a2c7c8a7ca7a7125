import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatBytes, mediaTypeName, shortDigest, timeAgo } from './format.ts'

test('writes bytes with three digits', () => {
  const cases = { 0: '0 B', 999: '999 B', 1000: '1.00 kB', 29149000: '29.1 MB', 999600: '1.00 MB', 5e17: '500 PB' }
  for (const [bytes, text] of Object.entries(cases)) assert.equal(formatBytes(Number(bytes)), text)
  assert.equal(formatBytes(Number.MAX_SAFE_INTEGER), '9.01 PB')
})

test('tells how long ago something was, and when', () => {
  const at = Date.UTC(2026, 10, 25, 8)
  const hour = 3_600_000
  assert.match(
    timeAgo(at, at + 3.5 * hour).markup,
    /datetime="2026-11-25T08:00:00.000Z" title="2026-11-25 08:00 UTC">3 hours ago</,
  )
  assert.match(timeAgo(at, at + 24 * hour).markup, />1 day ago</)
  assert.match(timeAgo(at, at - hour).markup, />just now</)
})

test('shortens digests, and names usual media types', () => {
  assert.equal(shortDigest(`sha256:${'ab'.repeat(32)}`), 'abababababab')
  assert.equal(shortDigest(`sha512:${'ab'.repeat(64)}`), 'sha512:abababababab')
  assert.equal(mediaTypeName('application/vnd.oci.image.layer.v1.tar+zstd'), 'tar, zstd')
  assert.equal(mediaTypeName('application/vnd.docker.image.rootfs.diff.tar.gzip'), 'tar, gzip')
  assert.equal(mediaTypeName('application/x-mine'), undefined)
})
