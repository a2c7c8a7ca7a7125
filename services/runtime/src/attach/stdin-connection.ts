import { CaissonError } from '@caisson/api'
import { connectMonitor, MONITOR_GONE, type MonitorClient } from '../monitor/client.ts'

/**
 * A control connection that carries nothing but input: the monitor stops reading it while the process does not read. With
 * `once` its end is the end of the input, for everybody.
 */
export class StdinConnection implements Disposable {
  readonly #stateDir: string
  readonly #once: boolean
  #client: MonitorClient | undefined

  constructor(stateDir: string, once: boolean) {
    this.#stateDir = stateDir
    this.#once = once
  }

  /** Connects. To a process that has ended nothing is connected, and what is written is dropped. */
  async open(signal: AbortSignal): Promise<void> {
    try {
      this.#client = await connectMonitor(this.#stateDir, signal)
    } catch (error) {
      if (!(error instanceof CaissonError) || error.reason !== MONITOR_GONE) throw error
    }
  }

  /** Resolves when the kernel has taken it. */
  async write(data: Uint8Array): Promise<void> {
    await this.#client?.stdin(data)
  }

  /** Says that no more input comes, from anybody. */
  end(): void {
    this.#client?.stdinClose()
  }

  close(): void {
    // The monitor sees to it too, but only for a client that has written something.
    if (this.#once) this.#client?.stdinClose()
    this.#client?.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
