import { alreadyExists, CaissonError, conflict, failedPrecondition, notFound } from '@caisson/api'
import { attachmentsOf } from '../src/connection/attachments.ts'
import type { Container, Endpoint, RootFacts, Sandbox } from '../src/container/container.ts'
import type { AttachmentSpec } from '../src/container/spec.ts'
import type { ExecMonitors } from '../src/exec/ports.ts'
import type { Files } from '../src/files/ports.ts'
import { connectMonitor, type MonitorClient } from '../src/monitor/client.ts'
import { FakeMonitor } from '../src/monitor/fake-monitor.fixture.ts'
import type {
  CommittedImage,
  ControlGroups,
  ImageConfig,
  ImageDraft,
  LaunchRequest,
  Monitors,
  NetworkFacts,
  PreparedRoot,
  PreparedRoots,
  Processes,
  RootChange,
  Roots,
  RootUse,
  Sandboxes,
  SandboxRequest,
} from '../src/ports.ts'

export const IMAGE_CONFIG: ImageConfig = {
  user: '',
  env: ['FROM_IMAGE=1'],
  entrypoint: [],
  cmd: ['/bin/sh'],
  volumes: [],
  exposedPorts: [],
  workingDir: '',
  stopSignal: '',
}

/** Roots that are made at once. `root` is what every container has. */
export class FakeRoots implements Roots {
  readonly prepared = new Set<string>()
  config: ImageConfig = IMAGE_CONFIG
  /** What every name stands for. */
  imageId = 'sha256:c'
  root: RootFacts = { lowerDirs: ['/nowhere'], upperDir: '/nowhere/u', workDir: '/nowhere/w', options: [] }
  /** Thrown by what is asked next, while it is set. */
  failure: Error | undefined

  /** How roots are used, by container. */
  readonly uses = new Map<string, RootUse>()

  async prepare(id: string, image: string, _platform?: unknown, use?: RootUse): Promise<PreparedRoot> {
    if (use) this.uses.set(id, use)
    if (this.failure) throw this.failure
    if (image === 'missing') throw notFound('image', image)
    this.prepared.add(id)
    return { image: { id: this.imageId, digest: 'sha256:m' }, config: this.config, root: this.root }
  }

  async prepareAll(ids: readonly string[], image: string, platform: unknown, use: RootUse): Promise<PreparedRoots> {
    const { imageId } = this
    const roots = await Promise.all(ids.map((id) => this.prepare(id, image, platform, use)))
    return { roots, isCurrent: () => this.imageId === imageId }
  }

  async remove(ids: readonly string[]): Promise<void> {
    if (this.failure) throw this.failure
    for (const id of ids) this.prepared.delete(id)
  }

  async list(): Promise<readonly string[]> {
    return [...this.prepared]
  }

  async usage(): Promise<number> {
    return 10
  }

  /** Runs while a commit does. */
  duringCommit: (signal: AbortSignal) => Promise<void> = async () => {}
  readonly commits: { readonly id: string; readonly draft: ImageDraft }[] = []

  async commit(id: string, draft: ImageDraft, signal: AbortSignal): Promise<CommittedImage> {
    await this.duringCommit(signal)
    if (this.failure) throw this.failure
    this.commits.push({ id, draft })
    return { id: 'sha256:new', digest: 'sha256:newm', reference: draft.reference }
  }

  async *changes(): AsyncGenerator<RootChange> {
    yield { kind: 'modified', path: Buffer.from('/etc') }
    yield { kind: 'added', path: Buffer.from([0x2f, 0xff]) }
  }
}

/** Sandboxes that are made at once, on the networks bridge, front and back. */
export class FakeSandboxes implements Sandboxes {
  readonly made = new Map<string, SandboxRequest>()
  readonly networks = ['bridge', 'front', 'back', 'host'].map(fakeNetwork)
  /** Networks that a sandbox is on now. */
  readonly connected = new Map<string, readonly NetworkFacts[]>()
  /** Thrown by the next change of a connection, once it is done. */
  failureAfter: Error | undefined
  failure: Error | undefined
  /** Where the next ones are. */
  namespacePath = '/proc/self/ns/net'

  async create(request: SandboxRequest): Promise<Sandbox> {
    if (this.failure) throw this.failure
    const earlier = this.made.get(request.id)
    if (earlier && JSON.stringify(earlier) !== JSON.stringify(request))
      throw alreadyExists('sandbox', request.id, 'delete it first')
    this.made.set(request.id, request)
    const networks = attachmentsOf(request.network).map(({ network }) => this.#find(network))
    this.connected.set(request.id, networks)
    return this.#sandbox(request)
  }

  createAll(requests: readonly SandboxRequest[]): Promise<readonly Sandbox[]> {
    return Promise.all(requests.map((request) => this.create(request)))
  }

  async get(id: string): Promise<Sandbox> {
    const request = this.made.get(id)
    if (!request) throw notFound('sandbox', id)
    return this.#sandbox(request)
  }

  async connect(id: string, { network, ipv4Address }: AttachmentSpec): Promise<Sandbox> {
    if (ipv4Address === TAKEN_ADDRESS) throw conflict('ADDRESS_IN_USE', 'the address is in use: choose another one')
    return this.#change(id, (networks) => [...networks, this.#find(network)])
  }

  async disconnect(id: string, network: string): Promise<Sandbox> {
    return this.#change(id, (networks) => networks.filter((each) => each !== this.#find(network)))
  }

  async findNetwork(reference: string): Promise<NetworkFacts> {
    return this.#find(reference)
  }

  #find(reference: string): NetworkFacts {
    const wanted = reference === '' ? 'bridge' : reference
    const found = this.networks.find(({ id, name }) => id === wanted || name === wanted)
    if (!found) throw notFound('network', wanted)
    return found
  }

  async #change(id: string, change: (networks: readonly NetworkFacts[]) => readonly NetworkFacts[]): Promise<Sandbox> {
    if (this.failure) throw this.failure
    this.connected.set(id, change(this.connected.get(id) ?? []))
    const { failureAfter } = this
    this.failureAfter = undefined
    if (failureAfter) throw failureAfter
    return this.get(id)
  }

  #sandbox(request: SandboxRequest): Sandbox {
    const networks = this.connected.get(request.id) ?? []
    return {
      id: request.id,
      mode: request.network.mode,
      namespacePath: request.network.mode === 'host' ? '' : this.namespacePath,
      endpoints: networks.map((network, index) => fakeEndpoint(network, index)),
      // As the network service does, with a port that is free for 0.
      ...(request.network.ports && {
        ports: request.network.ports.map((port) => ({ ...port, hostPort: port.hostPort || 40_000 })),
      }),
      resolvConf: 'nameserver 10.88.0.1\n',
      hosts: ['127.0.0.1 localhost', ...networks.map(({ name }) => `10.0.0.1 on-${name}`)]
        .map((line) => `${line}\n`)
        .join(''),
      createdNs: 1n,
    }
  }

  async remove(ids: readonly string[]): Promise<void> {
    if (this.failure) throw this.failure
    for (const id of ids) {
      this.made.delete(id)
      this.connected.delete(id)
    }
  }

  async list(): Promise<readonly string[]> {
    return [...this.made.keys()]
  }

  async traffic(): Promise<readonly []> {
    return []
  }
}

/** An address that somebody else has. */
export const TAKEN_ADDRESS = '10.1.0.66'

const fakeNetwork = (name: string, index: number): NetworkFacts => ({
  ...{ id: `${index}`.repeat(64), name },
  driver: name === 'host' ? 'host' : 'bridge',
  subnets: [`10.${index}.0.0/16`],
})

const fakeEndpoint = ({ id, name }: NetworkFacts, index: number): Endpoint => ({
  ...{ id: `e${id.slice(1)}`, networkId: id, networkName: name, interfaceName: `eth${index}`, macAddress: '' },
  ...{ ipv4Address: '10.0.0.1/16', ipv4Gateway: '', ipv6Address: '', ipv6Gateway: '', dnsNames: [] },
})

/** Monitors without processes. What they do is up to `onLaunch`; by default the program is executed at once. */
export class FakeMonitors implements Monitors {
  readonly launched: LaunchRequest[] = []
  readonly monitors = new Map<string, FakeMonitor>()
  onLaunch: (monitor: FakeMonitor, request: LaunchRequest) => void = (monitor) => monitor.sayStarted()
  failure: Error | undefined

  launch(request: LaunchRequest): MonitorClient {
    if (this.failure) throw this.failure
    this.launched.push(request)
    const monitor = FakeMonitor.spawn(request.stateDir)
    this.monitors.set(request.container.id, monitor)
    const client = monitor.client()
    client.ready().then(
      () => this.onLaunch(monitor, request),
      () => {},
    )
    return client
  }

  connect(stateDir: string): Promise<MonitorClient> {
    return connectMonitor(stateDir)
  }

  of({ id }: Pick<Container, 'id'>): FakeMonitor {
    const monitor = this.monitors.get(id)
    if (!monitor) throw new Error(`no monitor of ${id}`)
    return monitor
  }
}

/** Remembers what was asked. */
export class FakeControlGroups implements ControlGroups {
  readonly frozen = new Set<string>()
  readonly swept: string[] = []
  readonly updates: object[] = []
  refuses = false

  async freeze({ id }: Container): Promise<void> {
    this.frozen.add(id)
  }

  async thaw({ id }: Container): Promise<void> {
    this.frozen.delete(id)
  }

  async update(_container: Container, changes: object): Promise<readonly string[]> {
    if (this.refuses) throw failedPrecondition('CGROUP_UPDATE_REFUSED', 'no')
    this.updates.push(changes)
    return []
  }

  async sweep(id: string): Promise<void> {
    this.swept.push(id)
  }

  async list(): Promise<readonly string[]> {
    return []
  }

  async usage(): Promise<Awaited<ReturnType<ControlGroups['usage']>>> {
    return {}
  }

  async processes(): Promise<readonly number[]> {
    return []
  }
}

/** Nothing can be executed in a container without processes. */
export class FakeExecMonitors implements ExecMonitors {
  launch(): MonitorClient {
    throw failedPrecondition('NO_PROCESSES', 'there are no processes')
  }

  connect(stateDir: string): Promise<MonitorClient> {
    return connectMonitor(stateDir)
  }
}

/** Processes that live until they are killed. */
export class FakeProcesses implements Processes {
  bootId = 'this-boot'
  readonly killed: number[] = []

  isAlive(pid: number): boolean {
    return !this.killed.includes(pid)
  }

  async kill(pid: number): Promise<void> {
    this.killed.push(pid)
  }
}

export function unavailableNow(): CaissonError {
  return new CaissonError('unavailable', 'not now')
}

/** Files that no container has. */
export const NO_FILES: Files = {
  stat: noFile,
  read: () => noFile(),
  write: noFile,
}

function noFile(): never {
  throw notFound('path', 'of a fake container')
}
