import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Channel,
  HealthDefinition,
  SERVICES,
  type ServiceClient,
  type ServiceName,
  ServingStatus,
  socketAddress,
} from '@caisson/api'
import { ContainersDefinition } from '@caisson/api/container'
import { EventLogDefinition } from '@caisson/api/event'
import { ExecsDefinition } from '@caisson/api/exec'
import { ImagesDefinition } from '@caisson/api/image'
import { NetworksDefinition, SandboxesDefinition } from '@caisson/api/network'
import { SnapshotsDefinition } from '@caisson/api/snapshot'

/** What may be started here. */
const KNOWN: readonly ServiceName[] = [...SERVICES, 'registry']
const SERVICES_DIR = join(import.meta.dirname, '../../../services')
/** Set where everything takes many times as long, as on an emulated machine. */
const IS_SLOW = process.env['CAISSON_TEST_SLOW'] === '1'
/** As the command starts them. */
const NODE_OPTIONS = ['--disable-sigusr1', '--max-semi-space-size=2']
const START_TIMEOUT_MS = IS_SLOW ? 240_000 : 15_000

export interface EngineOptions {
  /** Configuration of services, as in DIR/etc/<service>.json. */
  readonly config?: Partial<Record<ServiceName, object>>
  /** An engine's root that is there already; it is kept at the end. Default: a new one, removed at the end. */
  readonly root?: string
  /** Which services run. Default: all of an engine, to which a registry does not belong. */
  readonly services?: readonly ServiceName[]
  /** Run the services as they are shipped (dist/main.js, after a build) instead of from their sources. */
  readonly bundled?: boolean
  /** Environment of the services on top of a bare one. */
  readonly env?: Readonly<Record<string, string>>
}

/**
 * A whole engine on a throw-away root: its services as real processes from their sources. Disposing removes every
 * container, stops the services and removes the root.
 */
export class TestEngine implements AsyncDisposable {
  readonly root: string
  readonly containers: ServiceClient<typeof ContainersDefinition>
  readonly execs: ServiceClient<typeof ExecsDefinition>
  readonly images: ServiceClient<typeof ImagesDefinition>
  readonly snapshots: ServiceClient<typeof SnapshotsDefinition>
  readonly networks: ServiceClient<typeof NetworksDefinition>
  readonly sandboxes: ServiceClient<typeof SandboxesDefinition>
  readonly #channels: ReadonlyMap<ServiceName, Channel>
  readonly #processes = new Map<ServiceName, ChildProcess>()
  readonly #options: EngineOptions

  private constructor(options: EngineOptions) {
    this.#options = options
    this.root = options.root ?? mkdtempSync(join(tmpdir(), 'csn-'))
    for (const dir of ['run', 'log', 'etc']) mkdirSync(join(this.root, dir), { recursive: true })
    for (const [service, config] of Object.entries(options.config ?? {}))
      writeFileSync(join(this.root, 'etc', `${service}.json`), JSON.stringify(config))
    this.#channels = new Map(
      KNOWN.map((service) => [service, new Channel(socketAddress(join(this.root, 'run'), service))]),
    )
    const runtime = this.channel('runtime')
    this.containers = runtime.client(ContainersDefinition)
    this.execs = runtime.client(ExecsDefinition)
    this.images = this.channel('image-store').client(ImagesDefinition)
    this.snapshots = this.channel('image-store').client(SnapshotsDefinition)
    this.networks = this.channel('network').client(NetworksDefinition)
    this.sandboxes = this.channel('network').client(SandboxesDefinition)
  }

  /** Starts the services and waits until all of them serve. */
  static async start(options: EngineOptions = {}): Promise<TestEngine> {
    const engine = new TestEngine(options)
    try {
      await Promise.all((options.services ?? SERVICES).map((service) => engine.startService(service)))
    } catch (error) {
      await engine[Symbol.asyncDispose]()
      throw error
    }
    return engine
  }

  channel(service: ServiceName): Channel {
    const channel = this.#channels.get(service)
    if (!channel) throw new Error(`no channel for ${service}`)
    return channel
  }

  /** The event log of a service. */
  events(service: ServiceName): ServiceClient<typeof EventLogDefinition> {
    return this.channel(service).client(EventLogDefinition)
  }

  /** The process id of a service. */
  pid(service: ServiceName): number {
    const pid = this.#processes.get(service)?.pid
    if (pid === undefined) throw new Error(`${service} does not run`)
    return pid
  }

  /** What a service has logged so far. */
  log(service: ServiceName): string {
    return readFileSync(join(this.root, 'log', `${service}.log`), 'utf8')
  }

  /** Starts a service and waits until it serves. */
  async startService(service: ServiceName): Promise<void> {
    const log = join(this.root, 'log', `${service}.log`)
    const main = join(SERVICES_DIR, service, (this.#options.bundled ?? IS_SLOW) ? 'dist/main.js' : 'src/main.ts')
    const out = openSync(log, 'a')
    const child = spawn(process.execPath, [...NODE_OPTIONS, main, '--root', this.root], {
      stdio: ['ignore', out, out],
      detached: true,
      env: { PATH: process.env['PATH'], ...this.#options.env },
    })
    closeSync(out)
    this.#processes.set(service, child)
    await this.#serving(service, child)
  }

  /** Kills a service without a warning, and waits until it is gone. */
  async kill(service: ServiceName): Promise<void> {
    await this.#signal(service, 'SIGKILL')
  }

  /** Asks a service to stop, and waits until it is gone. */
  async stop(service: ServiceName): Promise<void> {
    await this.#signal(service, 'SIGTERM')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#removeContainers()
    for (const service of KNOWN.toReversed()) if (this.#processes.has(service)) await this.stop(service)
    for (const channel of this.#channels.values()) channel[Symbol.dispose]()
    if (this.#options.root === undefined) rmSync(this.root, { recursive: true, force: true, maxRetries: 3 })
  }

  async #removeContainers(): Promise<void> {
    if (!this.#processes.has('runtime')) return
    const { containers } = await this.containers
      .list({ all: true }, { deadlineMs: 5_000 })
      .catch(() => ({ containers: [] }))
    await Promise.all(
      containers.map(({ id }) => this.containers.remove({ container: id, force: true }).catch(() => {})),
    )
  }

  async #serving(service: ServiceName, child: ChildProcess): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS
    const health = this.channel(service).client(HealthDefinition)
    while (Date.now() < deadline) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`${service} ended at its start:\n${this.#tail(service)}`)
      const answer = await health.check({}, { deadlineMs: IS_SLOW ? 30_000 : 1_000 }).catch(() => undefined)
      if (answer?.status === ServingStatus.SERVING) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error(`${service} does not serve after ${START_TIMEOUT_MS} ms:\n${this.#tail(service)}`)
  }

  #tail(service: ServiceName): string {
    const file = join(this.root, 'log', `${service}.log`)
    return existsSync(file) ? readFileSync(file, 'utf8').slice(-4_000) : ''
  }

  async #signal(service: ServiceName, signal: NodeJS.Signals): Promise<void> {
    const child = this.#processes.get(service)
    this.#processes.delete(service)
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
}
