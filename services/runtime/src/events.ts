import type { EventDraft, EventLog } from '@caisson/service-kit'
import type { Container, Exit } from './container/container.ts'

/** What happened to containers. Called inside the transaction that changes their state. */
export class ContainerEvents {
  readonly #log: EventLog

  constructor(log: EventLog) {
    this.#log = log
  }

  created(container: Container, requestId: string): void {
    this.#append('created', container, {}, { requestId })
  }

  started(container: Container): void {
    this.#append('started', container, { pid: String(container.process?.pid ?? 0) })
  }

  /** The kernel killed one of its processes for memory. */
  outOfMemory(container: Container): void {
    this.#append('oom', container)
  }

  exited(container: Container, exit: Exit): void {
    const attributes = { exit_code: String(exit.exitCode), ...(exit.error !== '' && { error: exit.error }) }
    const { exitCode, signal, oomKilled } = exit
    this.#append('exited', container, attributes, { body: { $case: 'exit', value: { exitCode, signal, oomKilled } } })
  }

  killed(container: Container, signal: string): void {
    this.#append('killed', container, { signal })
  }

  paused(container: Container): void {
    this.#append('paused', container)
  }

  resumed(container: Container): void {
    this.#append('resumed', container)
  }

  renamed(container: Container, oldName: string): void {
    this.#append('renamed', container, { old_name: oldName })
  }

  updated(container: Container): void {
    this.#append('updated', container)
  }

  removed(container: Container): void {
    this.#append('removed', container, {}, { final: true })
  }

  #append(
    verb: string,
    container: Container,
    attributes: Record<string, string> = {},
    extra: Pick<EventDraft, 'body' | 'requestId' | 'final'> = {},
  ): void {
    this.#log.append({
      type: `container.${verb}`,
      subject: { kind: 'container', id: container.id, name: container.name, labels: container.spec.labels },
      attributes: { image: container.spec.image, ...attributes },
      ...extra,
    })
  }
}
