import { connectNetwork } from '../connection/connect-network.ts'
import { disconnectNetwork } from '../connection/disconnect-network.ts'
import type { CommittedImage, RootChange } from '../ports.ts'
import { renameContainer, updateContainer } from './change.ts'
import { type CommitRequest, commitContainer, containerChanges } from './commit.ts'
import type { Container, ContainerState, Exit } from './container.ts'
import type { Core } from './core.ts'
import type { CreateRequest } from './create.ts'
import { type Filter, type ListRequest, listContainers, type Page, type WaitCondition, waitFor } from './find.ts'
import { pause, resume } from './pause.ts'
import { type Pruned, pruneContainers } from './prune.ts'
import { type Removal, removeContainer } from './remove.ts'
import type { OutputOf, RunRequest, RunStep } from './run.ts'
import { runContainer } from './run.ts'
import type { AttachmentSpec, ResourceSpec, TerminalSize } from './spec.ts'
import { startContainer } from './start.ts'
import { killContainer, type StopRequest, stopContainer } from './stop.ts'

/** Everything that can be done to containers. A container is named by its id, its name, or a unique prefix of its id. */
export class ContainerLife {
  readonly #core: Core
  readonly #outputOf: OutputOf

  constructor(core: Core, outputOf: OutputOf) {
    this.#core = core
    this.#outputOf = outputOf
  }

  create(request: CreateRequest, signal: AbortSignal): Promise<Container> {
    return this.#core.creator.create(request, signal)
  }

  start(reference: string, size: TerminalSize | undefined, signal: AbortSignal): Promise<Container> {
    return startContainer(this.#core, reference, { terminalSize: size }, signal)
  }

  run(request: RunRequest, signal: AbortSignal): AsyncGenerator<RunStep> {
    return runContainer(this.#core, request, this.#outputOf, signal)
  }

  wait(reference: string, condition: WaitCondition, signal: AbortSignal): Promise<Exit | undefined> {
    return waitFor(this.#core, reference, condition, signal)
  }

  stop(request: StopRequest, signal: AbortSignal): Promise<Exit | undefined> {
    return stopContainer(this.#core, request, signal)
  }

  kill(reference: string, signal: string, everyProcess: boolean): Promise<void> {
    return killContainer(this.#core, reference, signal, everyProcess)
  }

  pause(reference: string): Promise<void> {
    return pause(this.#core, reference)
  }

  resume(reference: string): Promise<void> {
    return resume(this.#core, reference)
  }

  remove(reference: string, removal: Removal, signal: AbortSignal): Promise<void> {
    return removeContainer(this.#core, reference, removal, signal)
  }

  get(reference: string): Container {
    return this.#core.registry.resolve(reference)
  }

  /** Where it is in its life, passing states included. */
  stateOf(container: Container): ContainerState {
    return this.#core.registry.stateOf(container)
  }

  list(request: ListRequest): Page {
    return listContainers(this.#core, request)
  }

  update(reference: string, changes: ResourceSpec): Promise<readonly string[]> {
    return updateContainer(this.#core, reference, changes)
  }

  rename(reference: string, name: string): Promise<void> {
    return renameContainer(this.#core, reference, name)
  }

  connectNetwork(reference: string, attachment: AttachmentSpec, signal: AbortSignal): Promise<Container> {
    return connectNetwork(this.#core, reference, attachment, signal)
  }

  disconnectNetwork(reference: string, network: string, force: boolean, signal: AbortSignal): Promise<Container> {
    return disconnectNetwork(this.#core, reference, network, force, signal)
  }

  prune(filter: Filter, untilNs: bigint, signal: AbortSignal): Promise<Pruned> {
    return pruneContainers(this.#core, filter, untilNs, signal)
  }

  commit(request: CommitRequest, signal: AbortSignal): Promise<CommittedImage> {
    return commitContainer(this.#core, request, signal)
  }

  changes(reference: string, signal: AbortSignal): AsyncIterable<RootChange> {
    return containerChanges(this.#core, reference, signal)
  }

  /** How many are in each state. */
  counts(): ReadonlyMap<ContainerState, number> {
    return this.#core.table.counts()
  }
}
