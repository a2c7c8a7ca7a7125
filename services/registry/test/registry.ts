import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Resolver } from '@caisson/registry-client'
import { createLogger, EventLog, type Logger, Store } from '@caisson/service-kit'
import type { z } from 'zod'
import { type Access, accessOf } from '../src/access/access.ts'
import { openDiskBackend } from '../src/backend/disk/disk-backend.ts'
import type { Backend, Changes } from '../src/backend/ports.ts'
import { configSchema } from '../src/config.ts'
import { eventSource, registryEvents, tellPulls } from '../src/events.ts'
import { openGate } from '../src/http/open-gate.ts'
import type { Gatekeeper } from '../src/http/ports.ts'
import { nativeSender } from '../src/native/native-sender.ts'
import { UpstreamRemotes } from '../src/remote/upstream-remotes.ts'
import { createRegistryService, type RegistryService } from '../src/service.ts'
import { BookmarkTable } from '../src/store/bookmark-table.ts'
import { migrations } from '../src/store/migrations.ts'
import { Spool } from '../src/upstream/spool.ts'
import { loadAssets } from '../src/web/assets.ts'

export interface TestRegistry extends AsyncDisposable {
  readonly url: string
  /** "127.0.0.1:43215": the registry's name in references. */
  readonly address: string
  readonly service: RegistryService
  readonly backend: Backend
  readonly events: EventLog
  /** With `access: 'users'` in the configuration. */
  readonly access: Access | undefined
  readonly dir: string
}

export interface TestRegistryOptions {
  readonly config?: z.input<typeof configSchema>
  readonly gate?: Gatekeeper
  /** Kept at the end. Default: a new folder, removed at the end. */
  readonly dir?: string
  readonly clock?: () => number
  /** Default: a disk. */
  readonly openBackend?: (changes: Changes) => Promise<Backend>
  /** Default: what is at the level REGISTRY_LOG goes to standard output, by default nothing. */
  readonly log?: Logger
  readonly lookAtCertificateEveryMs?: number
  /** How names of upstreams are looked up. Default: the system's. */
  readonly resolver?: Resolver
  /** Blobs go through streams. */
  readonly streams?: boolean
}

/** The registry on a real disk, with real connections, in this process. Deletes are on. */
export async function startRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  await using stack = new AsyncDisposableStack()
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'csn-reg-'))
  if (options.dir === undefined) stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  const config = configSchema.parse({ access: 'open', port: 0, policy: { deletes: true }, ...options.config })
  const database = join(dir, 'registry.db')
  const store = stack.use(new Store(database, migrations))
  const retention = options.config?.eventRetention ?? 100_000
  const events = new EventLog(store, { service: 'registry', hostName: 'test', retention })
  const clock = options.clock === undefined ? {} : { clock: options.clock }
  const changes = registryEvents(events)
  const onDisk = (): Promise<Backend> => openDiskBackend({ dir, store, database, changes, ...clock })
  const backend = stack.use(await (options.openBackend?.(changes) ?? onDisk()))
  const log = options.log ?? createLogger('registry', process.env['REGISTRY_LOG'] ?? 'fatal')
  const access = config.access === 'open' ? undefined : accessOf({ backend, config, dataDir: dir, log, ...clock })
  await access?.prepare()
  const gate = options.gate ?? access?.gatekeeper ?? openGate
  const assets = await loadAssets(join(import.meta.dirname, '../assets'))
  const { resolver } = options
  const idleMs = config.upstreams.idleSeconds * 1_000
  const remotes = stack.use(new UpstreamRemotes({ idleMs, ...(resolver && { resolver }) }))
  const service = createRegistryService({
    mirroring: { remotes, spool: Spool.open(join(dir, 'downloads')) },
    ...{ backend, config, log, gate, administration: access?.administration, assets, ...clock },
    ...(options.lookAtCertificateEveryMs !== undefined && {
      lookAtCertificateEveryMs: options.lookAtCertificateEveryMs,
    }),
    ...(options.streams === true ? {} : { sender: nativeSender }),
    tellPulls: (pulls) => tellPulls(events, pulls),
    followed: { source: eventSource(events), bookmarks: new BookmarkTable(store) },
  })
  stack.use(service.followEvents())
  const server = stack.use(await service.listen())
  const address = `${server.host}:${server.port}`
  const url = `${config.tls === undefined ? 'http' : 'https'}://${address}`
  const owned = stack.move()
  return { url, address, service, backend, events, access, dir, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Bytes that nobody has had before. */
export const blobOf = (length: number): Buffer => randomBytes(length)
