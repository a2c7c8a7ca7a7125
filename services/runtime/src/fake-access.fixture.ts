import { notFound } from '@caisson/api'
import type { ContainerAccess } from './access.ts'
import type { Container, ContainerState, Exit } from './container/container.ts'
import { Milestones } from './container/milestones.ts'
import { brokenBody } from './store/container-body.ts'

/** A container for tests: running, with a log, nothing loosened. */
export function someContainer(id: string, change: Partial<Container> = {}): Container {
  const body = brokenBody('')
  return {
    ...body,
    id: id.padEnd(64, '0'),
    name: id,
    state: 'running',
    spec: { ...body.spec, log: { maxSegmentBytes: 20 << 20, maxSegments: 5 } },
    warnings: [],
    ...change,
  }
}

/** How a container ended, for tests. */
export function someExit(exitCode: number): Exit {
  return {
    exitCode,
    signal: 0,
    oomKilled: false,
    startedNs: 1n,
    finishedNs: 2n,
    error: '',
    cpuNs: 0n,
    memoryPeakBytes: 0,
    droppedLogBytes: 0,
  }
}

/** The life of containers for tests: a map, and a note of everything that was asked. */
export class FakeAccess implements ContainerAccess {
  readonly containers = new Map<string, { container: Container; state: ContainerState; stateDir: string }>()
  readonly milestones = new Milestones()
  readonly asked: string[] = []
  held = 0
  /** Of who is about to follow what was started. */
  follower: AbortSignal | undefined
  onStart: (id: string) => Promise<void> = async () => {}

  add(container: Container, stateDir: string, state: ContainerState = container.state): void {
    this.containers.set(container.id, { container, state, stateDir })
  }

  /** As the lifecycle does it: the state first, then who waits. */
  exit(id: string, exit: Exit): void {
    this.#entry(id).state = 'exited'
    this.milestones.exited(id, exit)
  }

  resolve(reference: string): Container {
    for (const { container } of this.containers.values())
      if (container.id === reference || container.name === reference) return container
    throw notFound('container', reference)
  }

  stateOf(container: Container): ContainerState {
    return this.#entry(container.id).state
  }

  active(): readonly Container[] {
    return [...this.containers.values()]
      .filter(({ state }) => state === 'running' || state === 'paused')
      .map(({ container }) => container)
  }

  stateDir(id: string): string {
    return this.#entry(id).stateDir
  }

  hold(): Disposable {
    this.held += 1
    return {
      [Symbol.dispose]: () => {
        this.held -= 1
      },
    }
  }

  nextExit(id: string, signal: AbortSignal): Promise<Exit | undefined> {
    return this.milestones.nextExit(id, signal)
  }

  async start(id: string, options: Parameters<ContainerAccess['start']>[1]): Promise<void> {
    this.asked.push('start')
    this.follower = options.follower
    await this.onStart(id)
    this.#entry(id).state = 'running'
  }

  async kill(_id: string, signal: string): Promise<void> {
    this.asked.push(`kill ${signal}`)
  }

  async resize(_id: string, size: { rows: number; columns: number }): Promise<void> {
    this.asked.push(`resize ${size.rows}x${size.columns}`)
  }

  #entry(id: string) {
    const entry = this.containers.get(id)
    if (!entry) throw notFound('container', id)
    return entry
  }
}
