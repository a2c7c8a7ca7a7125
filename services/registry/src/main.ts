import { join } from 'node:path'
import { relayEvents } from '@caisson/bus'
import { EventLog, run, Store, serve } from '@caisson/service-kit'
import { accessOf } from './access/access.ts'
import type { BucketConfig } from './backend/bucket/config.ts'
import { openDiskBackend } from './backend/disk/disk-backend.ts'
import type { Backend, Changes } from './backend/ports.ts'
import { configSchema } from './config.ts'
import { eventSource, registryEvents, tellPulls } from './events.ts'
import { openGate } from './http/open-gate.ts'
import { nativeSender } from './native/native-sender.ts'
import { UpstreamRemotes } from './remote/upstream-remotes.ts'
import { createRegistryService } from './service.ts'
import { BookmarkTable } from './store/bookmark-table.ts'
import { migrations } from './store/migrations.ts'
import { Spool } from './upstream/spool.ts'
import { loadAssets } from './web/assets.ts'

const SERVICE = 'registry'
const DESCRIPTORS = join(import.meta.dirname, '../../../packages/api/src/gen/descriptors.binpb')
const ASSETS = join(import.meta.dirname, '../assets')

await run(SERVICE, configSchema, async ({ config, log, layout, dataDir, stack }) => {
  const database = join(dataDir, 'registry.db')
  const db = stack.use(new Store(database, migrations))
  const { hostName, eventRetention: retention, stopGraceMs } = config
  const events = new EventLog(db, { service: SERVICE, hostName, retention })
  stack.use(relayEvents(config.bus, events, log))
  const changes = registryEvents(events)
  const backend = stack.use(
    config.bucket === undefined
      ? await openDiskBackend({ dir: dataDir, store: db, database, changes })
      : await openBucket(config.bucket, changes),
  )
  const access = config.access === 'open' ? undefined : accessOf({ backend, config, dataDir, log })
  await access?.prepare()
  const { gatekeeper: gate = openGate, administration } = access ?? {}
  const assets = config.web ? { assets: await loadAssets(ASSETS) } : {}
  const remotes = stack.use(new UpstreamRemotes({ idleMs: config.upstreams.idleSeconds * 1_000 }))
  const mirroring = { remotes, spool: Spool.open(join(dataDir, 'downloads')) }
  const registry = createRegistryService({
    ...{ backend, config, log, gate, administration, mirroring, sender: nativeSender, ...assets },
    tellPulls: (pulls) => tellPulls(events, pulls),
    followed: { source: eventSource(events), bookmarks: new BookmarkTable(db) },
  })
  stack.use(registry.maintain())
  const { register } = registry
  stack.use(await serve({ service: SERVICE, layout, log, events, stopGraceMs, descriptors: DESCRIPTORS, register }))
  const server = stack.use(await registry.listen())
  stack.use(registry.followEvents())
  log.info({ host: server.host, port: server.port }, 'listening')
})

/** A registry on a disk does without the client of S3, which takes ten megabytes. */
async function openBucket(config: BucketConfig, changes: Changes): Promise<Backend> {
  const { openBucketBackend } = await import('./backend/bucket/bucket-backend.ts')
  return await openBucketBackend({ config, changes })
}
