import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startS3Server } from '@caisson/testkit'
import { openBucketBackend } from '../../src/backend/bucket/bucket-backend.ts'
import { Client } from '../client.ts'
import { blobOf, startRegistry, type TestRegistry } from '../registry.ts'
import { RegistryProcess } from './process.ts'
import { until } from './receiver.ts'
import { HASTY, serveRegistry } from './rpc.ts'

async function tagsAt(target: TestRegistry, repository: string): Promise<Map<string, string>> {
  const tags = await target.backend.records.tags(repository as never, { limit: 10_000 })
  return new Map(tags.map(({ name, target: { digest } }) => [name, digest]))
}

test('copies everything that was acknowledged, wherever it is killed', async () => {
  await using target = await startRegistry()
  await using registry = await RegistryProcess.start()
  const rule = { name: 'copy', repositories: ['*'], targetUrl: target.url, prefix: 'of/' }
  await registry.replications.set(rule)
  const pushed = new Map<string, string>()
  for (let round = 0; round < 5; round++) {
    const { client } = registry
    const working = (async () => {
      for (let count = 0; ; count++) {
        const tag = `r${round}-${count}`
        const image = await client.imageOf(`app${count % 3}`, blobOf(300_000))
        const { status } = await client.pushManifest(`app${count % 3}`, tag, image)
        if (status === 201) pushed.set(`app${count % 3}:${tag}`, image.digest)
      }
    })().catch(() => {})
    const before = pushed.size
    await until(() => pushed.size > before + 2, 'some are pushed')
    await sleep(Math.random() * 500)
    await registry.kill()
    await working
    await registry.startAgain()
  }
  const missing = async (): Promise<string[]> => {
    const there = new Map<string, string>()
    for (const name of ['app0', 'app1', 'app2'])
      for (const [tag, digest] of await tagsAt(target, `of/${name}`)) there.set(`${name}:${tag}`, digest)
    return [...pushed].flatMap(([name, digest]) => (there.get(name) === digest ? [] : [name]))
  }
  await until(async () => (await missing()).length === 0, 'everything is at the target', 60_000)
  const idle = async () => (await registry.replications.list({})).replications[0]?.state === 'idle'
  await until(idle, 'nothing is left to do')
  for (const name of pushed.keys()) {
    const [repository, tag] = name.split(':')
    const { body } = await new Client(target.url).ask('GET', `/v2/of/${repository}/manifests/${tag}`)
    for (const { digest } of (JSON.parse(body.toString()) as { layers: { digest: string }[] }).layers)
      assert.equal((await new Client(target.url).ask('HEAD', `/v2/of/${repository}/blobs/${digest}`)).status, 200)
  }
})

test('registries on one bucket share the work, whichever of them was pushed to', async () => {
  await using target = await startRegistry()
  await using s3 = await startS3Server()
  const dir = mkdtempSync(join(tmpdir(), 'csn-pool-'))
  try {
    const credentialsFile = join(dir, 'credentials.json')
    writeFileSync(credentialsFile, JSON.stringify(s3.credentials))
    const { bucket: name, region, endpoint } = s3
    const config = { name, region, endpoint, prefix: '', pathStyle: true, credentialsFile, requestTimeoutMs: 10_000 }
    const open = () =>
      serveRegistry({
        config: { outgoing: HASTY },
        openBackend: (changes) => openBucketBackend({ config, changes }),
      })
    await using one = await open()
    await using two = await open()
    await one.replications.set({ name: 'copy', repositories: ['*'], targetUrl: target.url })
    const pushed = new Map<string, string>()
    for (let count = 0; count < 12; count++) {
      const client = new Client((count % 2 === 0 ? one : two).url)
      pushed.set(`t${count}`, (await client.pushImage(`app${count % 4}`, `t${count}`, blobOf(1_000))).digest)
    }
    const copied = async (): Promise<number> => {
      const found = await Promise.all([0, 1, 2, 3].map((count) => tagsAt(target, `app${count}`)))
      return found.flatMap((tags) => [...tags].filter(([tag, digest]) => pushed.get(tag) === digest)).length
    }
    await until(async () => (await copied()) === pushed.size, 'everything is at the target', 60_000)
    await until(
      async () => (await two.replications.list({})).replications[0]?.state === 'idle',
      'nothing is left to do',
    )
    const told = target.events.read(undefined, 1_000).events.filter(({ type }) => type === 'manifest.pushed')
    assert.equal(told.length, pushed.size, 'each was sent once')
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
