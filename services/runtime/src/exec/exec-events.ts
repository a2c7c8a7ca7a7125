import type { EventLog } from '@caisson/service-kit'
import type { Exit } from '../container/container.ts'
import type { Exec } from './exec.ts'

/** What happened to execs. Called inside the transaction that changes their state. */
export class ExecEvents {
  readonly #log: EventLog

  constructor(log: EventLog) {
    this.#log = log
  }

  created(exec: Exec, requestId: string): void {
    this.#log.append({ ...this.#draft('created', exec), requestId })
  }

  started(exec: Exec): void {
    const draft = this.#draft('started', exec)
    this.#log.append({ ...draft, attributes: { ...draft.attributes, pid: String(exec.process?.pid ?? 0) } })
  }

  exited(exec: Exec, { exitCode, signal, oomKilled }: Exit): void {
    const draft = this.#draft('exited', exec)
    this.#log.append({
      ...draft,
      attributes: { ...draft.attributes, exit_code: String(exitCode) },
      body: { $case: 'exit', value: { exitCode, signal, oomKilled } },
      final: true,
    })
  }

  #draft(verb: string, exec: Exec) {
    // The other words may be secret.
    const program = exec.spec.process.cmd?.[0] ?? ''
    return {
      type: `exec.${verb}`,
      subject: { kind: 'exec', id: exec.id },
      attributes: { container: exec.containerId, program },
    }
  }
}
