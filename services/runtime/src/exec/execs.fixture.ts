import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, EventLog, Store } from '@caisson/service-kit'
import type { Container } from '../container/container.ts'
import { FakeAccess, someContainer } from '../fake-access.fixture.ts'
import { connectMonitor, type MonitorClient } from '../monitor/client.ts'
import { FakeMonitor } from '../monitor/fake-monitor.fixture.ts'
import { ContainerTable } from '../store/container-table.ts'
import { migrations } from '../store/migrations.ts'
import { buildExecs } from './build-execs.ts'
import type { ExecSupervisor } from './exec-supervisor.ts'
import type { Execs } from './execs.ts'
import type { ExecLaunch } from './ports.ts'

/** A container that runs, named one. */
export const RUNNING = someContainer('one', {
  process: { pid: 100, startTime: 5n, bootId: 'boot' },
  createdNs: 1n,
})

/** Execs with a real database, and monitors without processes. */
export class ExecsFixture implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'caisson-exec-'))
  readonly access = new FakeAccess()
  readonly launches: ExecLaunch[] = []
  readonly monitors: FakeMonitor[] = []
  /** Processes that the service killed by itself. */
  readonly killed: number[] = []
  readonly events: EventLog
  readonly containers: ContainerTable
  readonly #store: Store
  #built: { execs: Execs; supervisor: ExecSupervisor }
  /** What a new monitor does once its spawner is connected. */
  script: (monitor: FakeMonitor) => void = (monitor) => monitor.sayStarted()
  /** Thrown instead of launching. */
  refusal: Error | undefined

  constructor() {
    this.#store = new Store(join(this.root, 'db'), migrations)
    this.events = new EventLog(this.#store, { service: 'runtime', hostName: 'host', retention: 1_000 })
    this.containers = new ContainerTable(this.#store)
    this.add(RUNNING)
    this.#built = this.#build()
  }

  get execs(): Execs {
    return this.#built.execs
  }

  get supervisor(): ExecSupervisor {
    return this.#built.supervisor
  }

  /** The first monitor that was spawned. */
  get monitor(): FakeMonitor {
    const [first] = this.monitors
    if (!first) throw new Error('nothing was launched')
    return first
  }

  add(container: Container): void {
    this.containers.insert(container)
    this.access.add(container, join(this.root, container.id))
  }

  /** The service goes away, and comes back on what it left. */
  async restart(meanwhile: () => Promise<void> = async () => {}): Promise<void> {
    this.supervisor[Symbol.dispose]()
    await meanwhile()
    this.#built = this.#build()
    await this.supervisor.recover()
  }

  eventTypes(): string[] {
    return this.events.read(undefined, 100).events.map((event) => event.type)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.supervisor[Symbol.dispose]()
    for (const monitor of this.monitors) await monitor[Symbol.asyncDispose]()
    this.#store[Symbol.dispose]()
    rmSync(this.root, { recursive: true })
  }

  #build() {
    return buildExecs({
      store: this.#store,
      eventLog: this.events,
      access: this.access,
      execMonitors: { launch: (request) => this.#launch(request), connect: connectMonitor },
      processes: {
        bootId: 'boot',
        isAlive: () => true,
        kill: async (pid) => {
          this.killed.push(pid)
        },
      },
      dataDir: this.root,
      startTimeoutMs: 2_000,
      log: createLogger('runtime', 'silent'),
    })
  }

  #launch(request: ExecLaunch): MonitorClient {
    if (this.refusal) throw this.refusal
    this.launches.push(request)
    const monitor = FakeMonitor.spawn(request.stateDir)
    this.monitors.push(monitor)
    void monitor.until(() => monitor.connections.length === 1).then(() => this.script(monitor))
    return monitor.client()
  }
}
