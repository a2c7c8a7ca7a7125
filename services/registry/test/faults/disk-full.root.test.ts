// A registry whose disk fills up: what does not fit is refused and leaves nothing, and everything else goes on.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '@caisson/oci'
import { inNamespaces, LoopDisk, needsLoopDisk } from '@caisson/testkit'
import { Client } from '../client.ts'
import { blobOf, startRegistry, type TestRegistry } from '../registry.ts'

const inside = inNamespaces()
const skip = inside || needsLoopDisk()
if (!inside) execFileSync('ip', ['link', 'set', 'lo', 'up'])
const DISK_MIB = 24
const TOO_LARGE = blobOf(DISK_MIB << 20)

/** A registry alone on a small disk. */
async function start() {
  await using stack = new AsyncDisposableStack()
  const disk = stack.use(LoopDisk.create({ mebibytes: DISK_MIB }))
  const registry = stack.use(await startRegistry({ dir: disk.path }))
  const owned = stack.move()
  return { disk, registry, client: new Client(registry.url), [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const freeBytes = (path: string): number => {
  const { bfree, bsize } = statfsSync(path)
  return bfree * bsize
}

const uploadsOf = (registry: TestRegistry): string[] => readdirSync(join(registry.dir, 'uploads'))

/** Takes all the room there is; `give` gives it back. */
function fill(path: string): { give(): void } {
  const file = join(path, 'filler')
  for (let size = 1 << 20; size >= 4_096; size >>= 1)
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' })
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
    }
  return { give: () => rmSync(file) }
}

async function verify(client: Client, tag: string, layer: Buffer): Promise<void> {
  const manifest = await client.ask('GET', `/v2/team/app/manifests/${tag}`)
  assert.equal(manifest.status, 200)
  const blob = await client.ask('GET', `/v2/team/app/blobs/${digestOf(layer)}`)
  assert.ok(blob.body.equals(layer))
}

const SENDS: Readonly<Record<string, (client: Client) => Promise<{ status: number; code: string }>>> = {
  'by POST alone': (client) =>
    client.ask('POST', `/v2/team/app/blobs/uploads/?digest=${digestOf(TOO_LARGE)}`, { body: TOO_LARGE }),
  'by POST and PUT': async (client) =>
    await client.ask('PUT', `${await client.begin('team/app')}?digest=${digestOf(TOO_LARGE)}`, { body: TOO_LARGE }),
  'by PATCH': async (client) => await client.ask('PATCH', await client.begin('team/app'), { body: TOO_LARGE }),
  'by PATCH with a range': async (client) =>
    await client.ask('PATCH', await client.begin('team/app'), {
      headers: { 'content-range': `0-${TOO_LARGE.length - 1}` },
      body: TOO_LARGE,
    }),
}

for (const [way, send] of Object.entries(SENDS))
  test(`a blob that is larger than the disk is refused ${way}, and its room is free again`, { skip }, async () => {
    await using full = await start()
    const { client, registry, disk } = full
    const layer = blobOf(100_000)
    await client.pushImage('team/app', 'v1', layer)
    const before = freeBytes(disk.path)
    const { status, code } = await send(client)
    assert.deepEqual([status, code], [507, 'DENIED'])
    assert.equal((await client.ask('HEAD', `/v2/team/app/blobs/${digestOf(TOO_LARGE)}`)).status, 404)
    assert.ok(freeBytes(disk.path) > before - (1 << 20), `${freeBytes(disk.path)} of ${before} bytes are free`)
    await verify(client, 'v1', layer)
    const next = blobOf(3 << 20)
    await client.pushImage('team/app', 'v2', next)
    await verify(client, 'v2', next)
    assert.ok(uploadsOf(registry).length <= 1)
  })

test('an upload that met a full disk goes on where it stood when there is room again', { skip }, async () => {
  await using full = await start()
  const { client, disk } = full
  const blob = blobOf(6 << 20)
  const location = await client.begin('team/app')
  assert.equal((await client.ask('PATCH', location, { body: blob.subarray(0, 2 << 20) })).status, 202)
  const filled = fill(disk.path)
  assert.equal((await client.ask('PATCH', location, { body: blob.subarray(2 << 20) })).status, 507)
  filled.give()
  const at = Number((await client.ask('GET', location)).headers.get('range')?.split('-')[1]) + 1
  assert.ok(at >= 2 << 20 && at < blob.length, `it stands at ${at}`)
  const rest = { headers: { 'content-range': `${at}-${blob.length - 1}` }, body: blob.subarray(at) }
  assert.equal((await client.ask('PATCH', location, rest)).status, 202)
  assert.equal((await client.ask('PUT', `${location}?digest=${digestOf(blob)}`)).status, 201)
  assert.ok((await client.ask('GET', `/v2/team/app/blobs/${digestOf(blob)}`)).body.equals(blob))
})

test('on a full disk manifests are refused whole, pulls go on, and pushes do when there is room again', {
  skip,
}, async () => {
  await using full = await start()
  const { client, disk, registry } = full
  const [old, fresh] = [blobOf(100_000), blobOf(100_000)]
  const before = await client.pushImage('team/app', 'latest', old)
  // Large, so that it does not fit into what the database has room for.
  const wanted = await client.imageOf('team/app', fresh, { annotations: { text: 'x'.repeat(3 << 20) } })
  const filled = fill(disk.path)
  const { status, code } = await client.pushManifest('team/app', 'latest', wanted)
  assert.deepEqual([status, code], [507, 'DENIED'])
  assert.equal((await client.ask('GET', `/v2/team/app/manifests/${wanted.digest}`)).status, 404)
  const latest = await client.ask('GET', '/v2/team/app/manifests/latest')
  assert.equal(latest.headers.get('docker-content-digest'), before.digest)
  await verify(client, 'latest', old)
  filled.give()
  assert.equal((await client.pushManifest('team/app', 'latest', wanted)).status, 201)
  await verify(client, 'latest', fresh)
  const told = registry.events
    .read(undefined, 1_000)
    .events.filter(({ attributes }) => attributes['digest'] === wanted.digest)
  assert.equal(told.length, 1)
})

test('on a full disk an upload can be given up, and what is removed then makes room', { skip }, async () => {
  await using full = await start()
  const { client, disk, registry } = full
  const large = blobOf(8 << 20)
  const image = await client.pushImage('team/app', 'v1', large)
  const location = await client.begin('team/app')
  assert.equal((await client.ask('PATCH', location, { body: blobOf(4 << 20) })).status, 202)
  fill(disk.path)
  assert.equal((await client.ask('DELETE', location)).status, 204)
  assert.ok(freeBytes(disk.path) >= 3 << 20, `${freeBytes(disk.path)} bytes are free`)
  assert.equal((await client.ask('DELETE', `/v2/team/app/manifests/${image.digest}`)).status, 202)
  const policy = { graceMs: -1, dryRun: false }
  for await (const _ of registry.backend.garbage.collect(policy, new AbortController().signal));
  assert.ok(freeBytes(disk.path) >= 7 << 20, `${freeBytes(disk.path)} bytes are free`)
})

test('F-RES-02: on a full disk everything can be removed', { skip }, async () => {
  await using full = await start()
  const { client, disk, registry } = full
  const [one, other] = [await client.pushImage('team/app', 'v1', blobOf(4 << 20)), blobOf(2 << 20)]
  await client.pushImage('team/app', 'v2', other)
  fill(disk.path)
  // Nothing that is removed gives room before garbage is collected.
  for (let tag = 0; tag < 200; tag++)
    assert.notEqual((await client.ask('DELETE', `/v2/team/app/manifests/t${tag}`)).status, 507)
  assert.equal((await client.ask('DELETE', '/v2/team/app/manifests/v2')).status, 202)
  assert.equal((await client.ask('DELETE', `/v2/team/app/blobs/${digestOf(other)}`)).status, 202)
  assert.equal((await client.ask('DELETE', `/v2/team/app/manifests/${one.digest}`)).status, 202)
  assert.equal(await registry.backend.records.deleteRepository('team/app' as never), true)
  const policy = { graceMs: -1, dryRun: false }
  for await (const _ of registry.backend.garbage.collect(policy, new AbortController().signal));
  assert.ok(freeBytes(disk.path) >= 5 << 20, `${freeBytes(disk.path)} bytes are free`)
  await client.pushImage('team/app', 'v3', blobOf(1 << 20))
})
