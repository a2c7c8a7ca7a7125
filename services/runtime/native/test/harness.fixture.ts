import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { LinuxConfig, RuntimeSpec } from '@caisson/oci'
import { type CgroupHost, placeContainer, prepareCgroupHost, readCgroupLayout } from '../../src/cgroup/index.ts'
import { encodePlan, execRecords, type LaunchSettings, launchRecords } from '../../src/launch/index.ts'
import type { PlanRecord } from '../../src/launch/plan.ts'
import { ordinarySpec } from '../../src/launch/spec.fixture.ts'
import { adoptMonitor, type MonitorClient } from '../../src/monitor/client.ts'
import { decodeExitRecord, type ExitRecord } from '../../src/monitor/exit-record.ts'
import type { MonitorEvent } from '../../src/monitor/message.ts'
import { loadNative, NATIVE_FILES, type NativeSpawn } from '../../src/native/spawn.ts'

const BUILD = new URL('../build/', import.meta.url).pathname
const BUSYBOX = '/usr/bin/busybox'

/** False, or why tests that start containers cannot run here. */
export function skipReason(): string | false {
  if (process.getuid?.() !== 0) return 'needs root'
  if (!existsSync(join(BUILD, NATIVE_FILES.addon))) return 'needs the native parts: make -C services/runtime/native'
  if (!existsSync(BUSYBOX)) return 'needs /usr/bin/busybox (package busybox-static)'
  return false
}

/** Programs that a test's root has, all of them busybox. */
const APPLETS =
  'sh cat ls id echo sleep true false kill printenv stat grep readlink mount umount hostname seq head dd tail'

export type SpecChange = (spec: RuntimeSpec) => RuntimeSpec

export interface RunOptions {
  readonly args?: readonly string[]
  readonly spec?: SpecChange
  readonly settings?: Partial<LaunchSettings>
  /** Changes the finished records. */
  readonly records?: (records: PlanRecord[]) => PlanRecord[]
  /** Another build of the monitor. */
  readonly monitor?: string
  readonly stateDir?: string
  readonly id?: string
}

/** A throw-away place for containers: roots, state directories and a control group subtree of its own. */
export class Bench {
  readonly folder: string
  readonly native: NativeSpawn
  readonly cgroups: CgroupHost
  readonly #programs = new Map<string, number>()
  readonly #containers: TestContainer[] = []
  #count = 0

  private constructor(folder: string, cgroups: CgroupHost) {
    this.folder = folder
    this.cgroups = cgroups
    this.native = loadNative(BUILD)
  }

  static async open(): Promise<Bench> {
    const folder = mkdtempSync('/tmp/caisson-native-')
    const host = await prepareCgroupHost(await readCgroupLayout(), `test-${process.pid}-${folder.slice(-6)}`)
    return new Bench(folder, host)
  }

  /** Makes a directory with busybox in it. `ids`: who owns it on disk; idmapped roots belong to 0. */
  makeRoot(name = `root${this.#count++}`): string {
    const root = join(this.folder, name)
    for (const dir of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'work'])
      mkdirSync(join(root, dir), { recursive: true, mode: 0o755 })
    chmodSync(join(root, 'tmp'), 0o1777)
    copyFileSync(BUSYBOX, join(root, 'bin/busybox'))
    for (const applet of APPLETS.split(' ')) symlinkSync('busybox', join(root, 'bin', applet))
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n')
    writeFileSync(join(root, 'etc/group'), 'root:x:0:\nalice:x:1000:\naudio:x:29:bob,alice\n')
    return root
  }

  program(name: string): number {
    const known = this.#programs.get(name)
    if (known !== undefined) return known
    const fd = this.native.sealedProgram(join(BUILD, name))
    this.#programs.set(name, fd)
    return fd
  }

  /** Starts a container. */
  run(options: RunOptions = {}): TestContainer {
    const { id = `c${this.#count++}` } = options
    const base: RuntimeSpec = {
      ...ordinarySpec,
      process: { ...ordinarySpec.process, args: options.args ?? ['true'] },
      linux: { ...ordinarySpec.linux, namespaces: namespaces(), sysctl: {} },
    }
    const spec = options.spec ? options.spec(base) : base
    const settings: LaunchSettings = {
      root: { kind: 'bind', path: options.settings?.root ? '' : this.makeRoot() },
      cgroup: { host: this.cgroups, placement: placeContainer(this.cgroups, id) },
      log: { segmentBytes: 1 << 20, segments: 5 },
      clampsRlimits: true,
      ...options.settings,
    }
    const records = launchRecords(spec, settings)
    return this.launch(id, options.records ? options.records(records) : records, {
      hasInit: settings.hasInit,
      ...options,
    })
  }

  /** Runs one more process in a container. */
  exec(container: TestContainer, args: readonly string[], change: (records: PlanRecord[]) => PlanRecord[] = (r) => r) {
    const records = execRecords(
      { ...ordinarySpec.process, args },
      {
        target: { pid: container.pid, startTime: container.startTime, namespaces: namespaces() },
        placement: placeContainer(this.cgroups, container.id),
        log: { segmentBytes: 1 << 20, segments: 5 },
        clampsRlimits: true,
      },
    )
    return this.launch(`x${this.#count++}`, change(records))
  }

  launch(
    id: string,
    records: PlanRecord[],
    options: { hasInit?: boolean | undefined; monitor?: string; stateDir?: string } = {},
  ): TestContainer {
    const { hasInit = false, monitor = NATIVE_FILES.monitor, stateDir = join(this.folder, `state-${id}`) } = options
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
    const state = this.native.openDirectory(stateDir)
    const spawned = this.native.spawnMonitor({
      monitor: this.program(monitor),
      init: hasInit ? this.program(NATIVE_FILES.init) : -1,
      plan: encodePlan(records),
      state,
    })
    this.native.closeFd(state)
    const container = new TestContainer(id, stateDir, this.native, spawned)
    this.#containers.push(container)
    return container
  }

  /** Ends everything that runs, and removes the folder and the control groups. */
  async close(): Promise<void> {
    await Promise.all(this.#containers.map((container) => container.destroy()))
    for (const fd of this.#programs.values()) this.native.closeFd(fd)
    const { v1, unified } = placeContainer(this.cgroups, 'x')
    for (const directory of [...v1.map((hierarchy) => hierarchy.directory), unified])
      if (directory) rmdirSync(join(directory, '..'))
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** All namespaces made anew, also that of the network. */
export function namespaces(): NonNullable<LinuxConfig['namespaces']> {
  return (['mount', 'pid', 'uts', 'ipc', 'user', 'cgroup', 'network'] as const).map((type) => ({ type }))
}

export class TestContainer {
  readonly id: string
  readonly stateDir: string
  readonly client: MonitorClient
  readonly events: MonitorEvent[] = []
  readonly monitorPid: number
  readonly #native: NativeSpawn
  readonly #pidfd: number
  readonly #waiting = new Set<() => void>()
  #reaped = false

  constructor(
    id: string,
    stateDir: string,
    native: NativeSpawn,
    spawned: { pid: number; pidfd: number; control: number },
  ) {
    this.id = id
    this.stateDir = stateDir
    this.#native = native
    this.#pidfd = spawned.pidfd
    this.monitorPid = spawned.pid
    this.client = adoptMonitor(spawned.control)
    this.client.on((event) => {
      this.events.push(event)
      for (const wake of [...this.#waiting]) wake()
    })
  }

  /** Waits for an event of a type; fails when the connection ends before. */
  event<T extends MonitorEvent['type']>(type: T): Promise<Extract<MonitorEvent, { type: T }>> {
    return this.any(type)
  }

  async any<T extends MonitorEvent['type']>(...types: T[]): Promise<Extract<MonitorEvent, { type: T }>> {
    for (;;) {
      const found = this.events.find((event) => (types as string[]).includes(event.type))
      if (found) return found as Extract<MonitorEvent, { type: T }>
      if (this.events.some(({ type: other }) => other === 'closed'))
        throw new Error(
          `no event ${types}: ${JSON.stringify(this.events, (_k, v) => (typeof v === 'bigint' ? `${v}` : v))}`,
        )
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
  }

  /** Waits for the next event of a type, from now on. */
  async next(type: MonitorEvent['type']): Promise<void> {
    const known = this.events.length
    while (!this.events.slice(known).some((event) => event.type === type || event.type === 'closed')) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
  }

  get pid(): number {
    const hello = this.events.find((event) => event.type === 'started' || event.type === 'created')
    return hello && 'pid' in hello ? hello.pid : 0
  }

  get startTime(): bigint {
    const hello = this.events.find((event) => event.type === 'started' || event.type === 'created')
    return hello && 'startTime' in hello ? hello.startTime : 0n
  }

  /** Waits for the end. */
  async exited(): Promise<ExitRecord> {
    const { record } = await this.event('exited')
    await this.event('closed')
    return record
  }

  /** Waits for a launch that fails. */
  failed() {
    return this.event('failed')
  }

  /** Waits until it ends or fails. */
  async outcome() {
    const last = await this.any('exited', 'failed')
    return last.type === 'failed' ? last : last.record
  }

  /** What the log holds of a stream (1 stdout, 2 stderr), over all segments. */
  output(stream = 1): string {
    return Buffer.concat(this.#chunks(stream)).toString()
  }

  /** The payload of a gap record. */
  gap(): Buffer | undefined {
    return this.#chunks(3)[0]
  }

  #chunks(stream: number): Buffer[] {
    const chunks: Buffer[] = []
    if (!existsSync(join(this.stateDir, 'log'))) return chunks
    for (const name of readdirSync(join(this.stateDir, 'log')).sort()) {
      const bytes = readFileSync(join(this.stateDir, 'log', name))
      for (let at = 0; at < bytes.length; ) {
        const length = bytes.readUInt32LE(at)
        if (length < 28 || at + length > bytes.length) throw new Error(`a torn record in ${name}`)
        if (bytes[at + 4] === stream) chunks.push(bytes.subarray(at + 24, at + length - 4))
        at += length
      }
    }
    return chunks
  }

  /** The record on disk. */
  record(): ReturnType<typeof decodeExitRecord> {
    return decodeExitRecord(readFileSync(join(this.stateDir, 'exit')))
  }

  /** Waits until the monitor is gone; its exit status. */
  async reap(): Promise<number> {
    for (let round = 0; ; round++) {
      const status = this.#native.waitChild(this.#pidfd)
      if (status !== null) {
        this.#reaped = true
        this.#native.closeFd(this.#pidfd)
        return status
      }
      if (round > 2000) throw new Error(`the monitor of ${this.id} does not end`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  async destroy(): Promise<void> {
    if (this.#reaped) return
    this.client.signal(9, true)
    this.client.signal(9)
    await this.reap()
    this.client.close()
  }
}
