import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { Upload, type UploadMessage } from '@caisson/api'
import type { Image, ImportResponse } from '@caisson/api/image'
import { byteSockets } from '@caisson/service-kit'
import { needsRoot } from '@caisson/testkit'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const skip = needsRoot()
const ROOTFS = tar([
  { path: 'bin/', type: 'dir' },
  { path: 'bin/sh', content: Buffer.alloc(3 << 20, 'x'), mode: 0o755 },
])
type Message = UploadMessage<{ overSocket: boolean }>

const left = (store: ImageStoreFixture): string[] =>
  readdirSync(join(store.root, 'run')).filter((name) => name.endsWith('.bytes'))

async function imageOf(answers: AsyncIterable<ImportResponse>, onSocket: (path: string) => void): Promise<Image> {
  let image: Image | undefined
  for await (const { item } of answers)
    if (item?.$case === 'socket') onSocket(item.value)
    else if (item?.$case === 'image') image = item.value
  assert.ok(image)
  return image
}

test('takes bytes by a socket that only owner and group can open, and removes it', { skip }, async () => {
  await using store = await ImageStoreFixture.open({ clock: () => 0 })
  const upload = new Upload({ reference: 'box' }, [ROOTFS])
  let mode = 0
  const image = await imageOf(store.images.import(upload.messages()), (path) => {
    mode = statSync(path).mode & 0o777
    upload.goesTo(path)
  })
  assert.equal(mode, 0o660)
  assert.equal(image.id, (await store.import(ROOTFS)).id)
  assert.deepEqual(left(store), [])
})

test('takes messages from a client that cannot open the socket', { skip }, async () => {
  await using store = await ImageStoreFixture.open({ clock: () => 0 })
  const upload = new Upload({}, [ROOTFS])
  const image = await imageOf(store.images.import(upload.messages()), () => upload.goesTo('/nowhere'))
  assert.equal(image.id, (await store.import(ROOTFS)).id)
  assert.deepEqual(left(store), [])
})

test('refuses bytes that ended before their number, for a client that dies ends them too', { skip }, async () => {
  await using store = await ImageStoreFixture.open({ clock: () => 0 })
  for (const sent of [ROOTFS.length, undefined]) {
    const place = Promise.withResolvers<string>()
    const messages = async function* (): AsyncGenerator<Message> {
      yield { item: { $case: 'options', value: { overSocket: true } } }
      const socket = connect(await place.promise)
      // At the end of an entry: nothing in the tar tells that there was more.
      socket.end(ROOTFS.subarray(0, 512))
      await once(socket, 'close')
      if (sent !== undefined) yield { item: { $case: 'sent', value: sent } }
    }
    const failed = { code: 'out-of-range', reason: 'UPLOAD_INCOMPLETE' }
    await assert.rejects(imageOf(store.images.import(messages()), place.resolve), failed)
  }
  assert.deepEqual((await store.images.list({})).images, [])
  assert.deepEqual(left(store), [])
})

test('lets one client in, once, and ends with its call', { skip }, async () => {
  await using store = await ImageStoreFixture.open({ clock: () => 0 })
  const over = new AbortController()
  const place = Promise.withResolvers<string>()
  const messages = async function* (): AsyncGenerator<Message> {
    yield { item: { $case: 'options', value: { overSocket: true } } }
    await new Promise(() => {})
  }
  const importing = imageOf(store.images.import(messages(), { signal: over.signal }), place.resolve)
  const failed = assert.rejects(importing, { code: 'cancelled' })
  const path = await place.promise
  const first = connect(path)
  await once(first, 'connect')
  // What it sent and nobody read makes the end a reset.
  first.on('error', () => {})
  const closed = new Promise((resolve) => first.on('close', resolve))
  first.write(ROOTFS.subarray(0, 100_000))
  const second = connect(path)
  const [refusal] = await once(second, 'error')
  assert.match(String(refusal), /ENOENT|ECONNREFUSED/)
  over.abort()
  await failed
  first.resume()
  await closed
  assert.deepEqual(left(store), [])
})

test('refuses a bad archive while its client still sends', { skip }, async () => {
  await using store = await ImageStoreFixture.open({ clock: () => 0 })
  const upload = new Upload({}, Array<Buffer>(64).fill(Buffer.alloc(1 << 20, 'no tar ')))
  await assert.rejects(
    imageOf(store.images.import(upload.messages()), (path) => upload.goesTo(path)),
    {
      code: 'invalid-argument',
    },
  )
  assert.deepEqual(left(store), [])
})

test('removes the sockets of a service that was killed', { skip }, async () => {
  await using store = await ImageStoreFixture.open({ clock: () => 0 })
  const run = join(store.root, 'run')
  using socket = await byteSockets(run, 'image-store').open()
  assert.deepEqual(left(store), [socket.path.slice(run.length + 1)])
  byteSockets(run, 'image-store')
  assert.deepEqual(left(store), [])
})
