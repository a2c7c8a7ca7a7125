import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Digest } from '@caisson/oci'
import { type Candidate, chooseImages, type ImagePolicy } from './image-policy.ts'

const NOW = 1_000_000_000
const POLICY: ImagePolicy = { highPercent: 90, lowPercent: 80, minAgeSeconds: 100, maxAgeSeconds: 0, keepRecent: 0 }
const id = (name: string): Digest => `sha256:${name.padEnd(64, '0')}` as Digest
const SHARED = id('f')

/** An image with ten bytes of its own and ten that every one has. */
function image(name: string, ageSeconds: number, isPinned = false): Candidate {
  const content = new Map([
    [id(name), 10],
    [SHARED, 10],
  ])
  return { id: id(name), lastUsedMs: NOW - ageSeconds * 1_000, isPinned, content }
}

function choose(
  images: readonly Candidate[],
  policy: Partial<ImagePolicy>,
  freeBytes: number,
  moreUsers = 0,
): string[] {
  const shared = new Map<Digest, number>([[SHARED, images.length + moreUsers]])
  for (const one of images) shared.set(one.id, 1)
  const disk = { freeBytes, diskBytes: 100 }
  return chooseImages(images, shared, { ...POLICY, ...policy }, disk, NOW).map(
    (victim) => `${victim.id.slice(7, 8)} ${victim.reason} ${victim.bytes}`,
  )
}

test('removes nothing below the high watermark', () => {
  assert.deepEqual(choose([image('a', 500)], {}, 10), [])
})

test('removes the images unused longest until the low watermark', () => {
  const images = [image('a', 300), image('b', 500), image('c', 400)]
  assert.deepEqual(choose(images, {}, 5), ['b disk-pressure 10', 'c disk-pressure 10'])
})

test('counts what images share with the last of them only', () => {
  const images = [image('a', 300), image('b', 500)]
  assert.deepEqual(choose(images, { lowPercent: 0 }, 0), ['b disk-pressure 10', 'a disk-pressure 20'])
  assert.deepEqual(choose(images, { lowPercent: 0 }, 0, 1), ['b disk-pressure 10', 'a disk-pressure 10'])
})

test('keeps what was used lately, what is pinned and the most recent ones', () => {
  assert.deepEqual(choose([image('a', 50)], { lowPercent: 0 }, 0), [])
  assert.deepEqual(choose([image('a', 500, true)], { lowPercent: 0 }, 0), [])
  assert.deepEqual(choose([image('a', 500), image('b', 600)], { lowPercent: 0, keepRecent: 1 }, 0), [
    'b disk-pressure 10',
  ])
})

test('removes what is unused for too long, however empty the disk is', () => {
  assert.deepEqual(choose([image('a', 500), image('b', 700)], { maxAgeSeconds: 600 }, 90), ['b unused 10'])
})
