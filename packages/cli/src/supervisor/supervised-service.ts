import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { pause } from '../pause.ts'
import type { Backoff } from './backoff.ts'
import type { LogFile } from './log-file.ts'
import { identify, type ProcessIdentity } from './process-identity.ts'
import type { ServiceRecord } from './state-file.ts'

export interface ServiceStart {
  readonly name: string
  readonly version: string
  /** Path of the program, and its words. */
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** One service: started, started again whenever it ends, and stopped. */
export class SupervisedService {
  readonly #start: ServiceStart
  readonly #log: LogFile
  readonly #backoff: Backoff
  readonly #changed: () => void
  readonly #stopping = new AbortController()
  #child: ChildProcess | undefined
  #process: ProcessIdentity | null = null
  #startedAtMs = 0
  #restarts = 0
  #lastEnd = ''
  #running: Promise<void> | undefined

  /** `changed` is called whenever the record is another one. */
  constructor(start: ServiceStart, log: LogFile, backoff: Backoff, changed: () => void) {
    this.#start = start
    this.#log = log
    this.#backoff = backoff
    this.#changed = changed
  }

  get name(): string {
    return this.#start.name
  }

  get log(): LogFile {
    return this.#log
  }

  get record(): ServiceRecord {
    return {
      name: this.#start.name,
      process: this.#process,
      version: this.#start.version,
      startedAtMs: this.#startedAtMs,
      restarts: this.#restarts,
      lastEnd: this.#lastEnd,
    }
  }

  /** Keeps the service running until it is stopped. */
  run(): void {
    this.#running ??= this.#keepRunning()
  }

  /** Asks the service to end, and kills it when it has not within `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort()
    const child = this.#child
    if (child) {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      const killer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await ended
      clearTimeout(killer)
    }
    await this.#running
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const upMs = await this.#runOnce()
      this.#changed()
      if (signal.aborted) return
      await pause(this.#backoff.after(upMs), signal).catch(() => undefined)
      this.#restarts += 1
    }
  }

  /** Runs the process until it ends; returns how long it was up. */
  async #runOnce(): Promise<number> {
    const started = performance.now()
    const child = spawn(this.#start.command, this.#start.args, {
      cwd: '/',
      env: this.#start.env,
      // A session of its own: no signal of a terminal reaches it.
      detached: true,
      stdio: ['ignore', this.#log.fd, this.#log.fd],
    })
    this.#child = child
    this.#startedAtMs = Date.now()
    this.#process = (child.pid !== undefined && identify(child.pid)) || null
    const end = waitForEnd(child)
    this.#changed()
    this.#lastEnd = await end
    this.#child = undefined
    this.#process = null
    return performance.now() - started
  }
}

function waitForEnd(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`))
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`))
  })
}
