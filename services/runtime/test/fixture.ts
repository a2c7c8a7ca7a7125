import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Channel, RpcServer, type ServiceClient } from '@caisson/api'
import { ContainersDefinition } from '@caisson/api/container'
import type { Event } from '@caisson/api/event'
import { VolumesDefinition } from '@caisson/api/volume'
import { createLogger, EventLog, Store } from '@caisson/service-kit'
import { hostTrees } from '../src/adapters/host-trees.ts'
import { createRuntimeService, type RuntimeService } from '../src/service.ts'
import { migrations } from '../src/store/migrations.ts'
import {
  FakeControlGroups,
  FakeExecMonitors,
  FakeMonitors,
  FakeProcesses,
  FakeRoots,
  FakeSandboxes,
  NO_FILES,
} from './fakes.ts'

/** The runtime with fakes around it: real database, real gRPC, monitors without processes. */
export class RuntimeFixture implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'caisson-runtime-'))
  readonly roots = new FakeRoots()
  readonly sandboxes = new FakeSandboxes()
  readonly monitors = new FakeMonitors()
  readonly controlGroups = new FakeControlGroups()
  readonly processes = new FakeProcesses()
  idRangeCount = 16
  #running: AsyncDisposableStack | undefined
  #service: RuntimeService | undefined
  #client: ServiceClient<typeof ContainersDefinition> | undefined
  #volumes: ServiceClient<typeof VolumesDefinition> | undefined
  #events: EventLog | undefined

  static async start(): Promise<RuntimeFixture> {
    const fixture = new RuntimeFixture()
    await fixture.boot()
    return fixture
  }

  get client(): ServiceClient<typeof ContainersDefinition> {
    if (!this.#client) throw new Error('it does not run')
    return this.#client
  }

  get volumes(): ServiceClient<typeof VolumesDefinition> {
    if (!this.#volumes) throw new Error('it does not run')
    return this.#volumes
  }

  /** Starts the service on the state that is there. */
  async boot(): Promise<void> {
    const stack = new AsyncDisposableStack()
    const store = stack.use(new Store(join(this.dir, 'runtime.db'), migrations))
    const eventLog = new EventLog(store, { service: 'runtime', hostName: 'test', retention: 10_000 })
    const { roots, sandboxes, monitors, controlGroups, processes } = this
    const service = stack.use(
      createRuntimeService({
        files: NO_FILES,
        trees: hostTrees(),
        ...{ store, eventLog, roots, sandboxes, monitors, controlGroups, processes, dataDir: this.dir },
        execMonitors: new FakeExecMonitors(),
        idRangeStart: 0x7000_0000,
        idRangeCount: this.idRangeCount,
        startTimeoutMs: 5_000,
        log: createLogger('runtime', 'silent'),
        hostInfo: {
          ...{ version: '0', hostname: 'test', kernel: '6', architecture: 'amd64', cpus: 1, memoryBytes: 1 },
          ...{ cgroupLayout: 'v2', cgroupControllers: [], warnings: [], dataDir: this.dir, bootId: processes.bootId },
        },
      }),
    )
    await service.reconcile()
    const server = new RpcServer({ ended: () => {} })
    service.register(server)
    const socket = join(this.dir, 'rpc.sock')
    rmSync(socket, { force: true })
    await server.listenUnix(socket)
    stack.defer(() => server.stop(100))
    const channel = stack.use(new Channel(`unix://${socket}`))
    this.#client = channel.client(ContainersDefinition)
    this.#volumes = channel.client(VolumesDefinition)
    this.#running = stack
    this.#service = service
    this.#events = eventLog
  }

  get service(): RuntimeService {
    if (!this.#service) throw new Error('it does not run')
    return this.#service
  }

  /** Stops the service; containers stay. */
  async halt(): Promise<void> {
    await this.#running?.disposeAsync()
    this.#running = undefined
  }

  /** Everything that happened so far. */
  events(): readonly Event[] {
    return this.#events?.read(undefined, 10_000).events ?? []
  }

  /** Types of the events of a container, without the kind. */
  story(id: string): string[] {
    return this.events()
      .filter(({ subject }) => subject?.id === id)
      .map(({ type }) => type.slice('container.'.length))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.halt()
    for (const monitor of this.monitors.monitors.values()) await monitor[Symbol.asyncDispose]()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** Waits until something holds, for at most two seconds. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error('it did not come to hold within two seconds')
}

/** Everything that a stream sends. */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of stream) all.push(item)
  return all
}
