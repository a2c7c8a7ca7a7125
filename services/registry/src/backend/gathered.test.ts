import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { gathered } from './gathered.ts'

const KIB = 1024

/** A body of so many pieces, which counts how many were asked of it. */
function counted(pieces: number, size: number): { body: Readable; asked: () => number } {
  let asked = 0
  const body = new Readable({
    highWaterMark: size,
    read() {
      this.push(asked < pieces ? Buffer.alloc(size, asked) : null)
      asked++
    },
  })
  return { body, asked: () => asked }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 200; i++) await turn()
}

test('gives everything in its order, and ends with the body', async () => {
  const { body } = counted(100, KIB)
  const all: Buffer[] = []
  for await (const pieces of gathered(body, 4 * KIB)) all.push(...pieces)
  assert.deepEqual(
    all.map((piece) => piece[0]),
    Array.from({ length: 100 }, (_, at) => at),
  )
})

test('gathers the next batch while one is worked on, and lets the sender wait then', async () => {
  const { body, asked } = counted(100, KIB)
  const batches = gathered(body, 8 * KIB)
  const first = (await batches.next()).value?.length ?? 0
  assert.ok(first > 0 && first <= 8, `${first} pieces came at first`)
  await turns()
  const before = asked()
  assert.ok(before >= first + 8 && before <= first + 10, `${before} pieces were asked for`)
  await turns()
  assert.equal(asked(), before)
  const { value = [] } = await batches.next()
  assert.equal(value.length, 8)
  await batches.return(undefined)
})

test('holds few pieces, however small they are', async () => {
  const { body, asked } = counted(5_000, 1)
  const batches = gathered(body, 1 << 20)
  await batches.next()
  for (let i = 0; i < 30; i++) await turns()
  assert.ok(asked() < 600, `${asked()} pieces were asked for`)
  await batches.return(undefined)
})

test('gives what arrived before the line broke, and then tells of it', async () => {
  const body = new Readable({ read() {} })
  body.push(Buffer.from('abc'))
  const all: Buffer[] = []
  const taking = (async () => {
    for await (const pieces of gathered(body, KIB)) {
      all.push(...pieces)
      await turns()
    }
  })()
  await turn()
  body.push(Buffer.from('def'))
  await turn()
  body.destroy(new Error('the line broke'))
  await assert.rejects(taking, /the line broke/)
  assert.equal(Buffer.concat(all).toString(), 'abcdef')
})

test('tells of a body that was broken before anybody looked', async () => {
  const body = new Readable({ read() {} })
  body.destroy()
  await assert.rejects(async () => {
    for await (const _ of gathered(body, KIB)) assert.fail('nothing came')
  })
})

test('leaves the rest to others when it is left early', async () => {
  const { body } = counted(10, KIB)
  for await (const _ of gathered(body, KIB)) break
  assert.equal(body.destroyed, false)
  let rest = 0
  for await (const piece of body) rest += (piece as Buffer).length
  assert.ok(rest > 0 && rest < 10 * KIB, `${rest} bytes were left`)
})
