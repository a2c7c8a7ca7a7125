import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Channel, type Partially, RpcServer, type ServiceClient } from '@caisson/api'
import { type ContainerSpec, ContainersDefinition } from '@caisson/api/container'
import type { Event } from '@caisson/api/event'
import { ExecsDefinition } from '@caisson/api/exec'
import { SandboxMode } from '@caisson/api/network'
import { VolumesDefinition } from '@caisson/api/volume'
import { createLogger, EventLog, Store } from '@caisson/service-kit'
import { hostControlGroups } from '../src/adapters/control-groups.ts'
import { engineName } from '../src/adapters/engine-name.ts'
import { execLauncher } from '../src/adapters/exec-launcher.ts'
import { hostFacts } from '../src/adapters/host-facts.ts'
import { hostInfo } from '../src/adapters/host-info.ts'
import { hostTrees } from '../src/adapters/host-trees.ts'
import { makeSkeleton, monitorLauncher } from '../src/adapters/launcher.ts'
import { hostProcesses } from '../src/adapters/processes.ts'
import { openSpawner } from '../src/adapters/spawner.ts'
import { type CgroupHost, placeCgroup, prepareCgroupHost, readCgroupLayout, removeCgroup } from '../src/cgroup/index.ts'
import type { Files } from '../src/files/ports.ts'
import { createRuntimeService } from '../src/service.ts'
import { migrations } from '../src/store/migrations.ts'
import { FakeRoots, FakeSandboxes } from './fakes.ts'
import { RootFiles } from './root-files.ts'

const NATIVE = join(import.meta.dirname, '../native/build')
const BUSYBOX = '/bin/busybox'

/** For `test(..., { skip })`. */
export function needsRealHost(): false | string {
  if (process.getuid?.() !== 0) return 'needs root'
  if (!existsSync(BUSYBOX)) return "needs Debian's package busybox-static"
  return existsSync(join(NATIVE, 'caisson-monitor')) ? false : 'needs the native parts: make -C services/runtime/native'
}

/**
 * The runtime with real monitors, control groups and processes, and busybox as the image of every container. Roots and
 * sandboxes are made by hand, so that no other service is needed.
 */
export class RealHost implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'caisson-real-'))
  /** Where content of volumes comes from. */
  readonly files: Files
  readonly #cgroups: CgroupHost
  #running: AsyncDisposableStack | undefined
  #eventLog: EventLog | undefined
  #clients:
    | {
        containers: ServiceClient<typeof ContainersDefinition>
        execs: ServiceClient<typeof ExecsDefinition>
        volumes: ServiceClient<typeof VolumesDefinition>
      }
    | undefined

  private constructor(cgroups: CgroupHost) {
    this.#cgroups = cgroups
    this.files = new RootFiles(join(this.dir, 'rootfs'))
  }

  static async start(): Promise<RealHost> {
    const host = await readCgroupLayout()
    const runtime = new RealHost(await prepareCgroupHost(host, engineName(`test-${process.pid}-${Date.now()}`)))
    runtime.#makeRoot()
    await runtime.boot()
    return runtime
  }

  get containers(): ServiceClient<typeof ContainersDefinition> {
    if (!this.#clients) throw new Error('it does not run')
    return this.#clients.containers
  }

  get execs(): ServiceClient<typeof ExecsDefinition> {
    if (!this.#clients) throw new Error('it does not run')
    return this.#clients.execs
  }

  get volumes(): ServiceClient<typeof VolumesDefinition> {
    if (!this.#clients) throw new Error('it does not run')
    return this.#clients.volumes
  }

  /** Starts the service on the state that is there. */
  async boot(): Promise<void> {
    const stack = new AsyncDisposableStack()
    const store = stack.use(new Store(join(this.dir, 'runtime.db'), migrations))
    const eventLog = new EventLog(store, { service: 'runtime', hostName: 'test', retention: 10_000 })
    const facts = hostFacts()
    const processes = hostProcesses()
    const { spawn } = stack.use(openSpawner(NATIVE, createLogger('runtime', 'silent')))
    const service = stack.use(
      createRuntimeService({
        files: this.files,
        trees: hostTrees(),
        store,
        eventLog,
        roots: new OwnRoots(this.dir),
        sandboxes: new FakeSandboxes(),
        monitors: monitorLauncher({
          cgroups: this.#cgroups,
          facts,
          spawn,
          skeleton: makeSkeleton(join(this.dir, 'skeleton')),
        }),
        execMonitors: execLauncher(this.#cgroups, spawn),
        controlGroups: hostControlGroups(this.#cgroups, facts),
        processes,
        hostInfo: hostInfo(this.#cgroups, 'test', this.dir, processes.bootId),
        ...{ dataDir: this.dir, idRangeStart: 0x7100_0000, idRangeCount: 64, startTimeoutMs: 20_000 },
        log: createLogger('runtime', process.env['CAISSON_TEST_LOG'] ?? 'silent'),
      }),
    )
    await service.reconcile()
    const server = new RpcServer({
      ended: ({ method, error }) => {
        if (error?.code === 'internal') console.error(method, error.cause)
      },
    })
    service.register(server)
    const socket = join(this.dir, 'rpc.sock')
    rmSync(socket, { force: true })
    await server.listenUnix(socket)
    stack.defer(() => server.stop(100))
    const channel = stack.use(new Channel(`unix://${socket}`))
    this.#clients = {
      containers: channel.client(ContainersDefinition),
      execs: channel.client(ExecsDefinition),
      volumes: channel.client(VolumesDefinition),
    }
    this.#running = stack
    this.#eventLog = eventLog
  }

  /** Everything that happened so far. */
  events(): readonly Event[] {
    return this.#eventLog?.read(undefined, 10_000).events ?? []
  }

  /** Stops the service; containers go on. */
  async halt(): Promise<void> {
    await this.#running?.disposeAsync()
    this.#running = undefined
  }

  /** A spec that runs a shell script. */
  script(script: string, change: Partially<ContainerSpec> = {}): Partially<ContainerSpec> {
    return { ...this.spec(['/bin/sh', '-c', script]), ...change }
  }

  spec(cmd: readonly string[], process: Partially<ContainerSpec['process']> = {}): Partially<ContainerSpec> {
    return { image: 'busybox', process: { ...process, cmd: { values: cmd } }, network: { mode: SandboxMode.NONE } }
  }

  /** Makes a container and starts it. */
  async started(name: string, spec: Partially<ContainerSpec>): Promise<string> {
    const { id } = await this.containers.create({ name, spec })
    await this.containers.start({ container: id })
    return id
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#running) await this.boot()
    const { containers } = await this.containers.list({ all: true })
    for (const { id } of containers) await this.containers.remove({ container: id, force: true })
    await this.halt()
    await removeCgroup(placeCgroup(this.#cgroups.layout, this.#cgroups.enginePath))
    rmSync(this.dir, { recursive: true, force: true })
  }

  #makeRoot(): void {
    const root = join(this.dir, 'rootfs')
    for (const path of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root', 'home/user'])
      mkdirSync(join(root, path), { recursive: true })
    copyFileSync(BUSYBOX, join(root, 'bin/busybox'))
    const applets = spawnSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean)
    for (const applet of applets) if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet))
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n')
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\nuser:x:1000:\n')
    writeFileSync(join(root, 'etc/not-a-program'), 'text\n')
  }
}

/** Roots of busybox below a folder. */
class OwnRoots extends FakeRoots {
  readonly #dir: string

  constructor(dir: string) {
    super()
    this.#dir = dir
  }

  override async prepare(id: string, image: string) {
    const own = join(this.#dir, 'roots', id)
    for (const name of ['upper', 'work']) mkdirSync(join(own, name), { recursive: true })
    const root = {
      lowerDirs: [join(this.#dir, 'rootfs')],
      upperDir: join(own, 'upper'),
      workDir: join(own, 'work'),
      options: [],
    }
    return { ...(await super.prepare(id, image)), root }
  }

  override async remove(ids: readonly string[]): Promise<void> {
    await super.remove(ids)
    for (const id of ids) rmSync(join(this.#dir, 'roots', id), { recursive: true, force: true })
  }
}
