import assert from 'node:assert/strict'
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PROGRAM = join(import.meta.dirname, '../../../caisson')
/** Runs what follows on a terminal of its own. */
const TERMINAL = join(import.meta.dirname, 'terminal.py')
const MOST_OUTPUT = 64 << 20
const TIMEOUT_MS = 60_000
const TERMINAL_TIMEOUT_MS = 90_000

/** How a command ended. */
export interface CommandOutcome {
  /** Null: it was ended by a signal, or took too long. */
  readonly code: number | null
  readonly out: string
  readonly err: string
  /** What `out` was before it was taken for text. */
  readonly bytes: Buffer
}

export interface CaissonCommandOptions {
  /** An engine's root. Default: a new folder; whoever made the command removes it. */
  readonly root?: string
  /** Default: /. */
  readonly cwd?: string
  /** On top of the test's own environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** What a terminal waits for, what is typed there, and how large it becomes. */
export type TerminalStep =
  | { readonly wait: string }
  | { readonly type: string }
  | { readonly size: readonly [rows: number, columns: number] }

/** The caisson command on one engine's root, as a person or a script calls it. */
export class CaissonCommand {
  readonly root: string
  readonly #cwd: string
  readonly #env: Readonly<Record<string, string>>

  constructor({ root, cwd = '/', env = {} }: CaissonCommandOptions = {}) {
    this.root = root ?? mkdtempSync(join(tmpdir(), 'csn-cli-'))
    this.#cwd = cwd
    this.#env = env
  }

  /** The words that start it, for tests that start it themselves. */
  words(args: readonly string[]): [program: string, ...args: string[]] {
    return [PROGRAM, '--root', this.root, ...args]
  }

  /** Runs it to its end. */
  run(args: readonly string[], input: Uint8Array | string = ''): CommandOutcome {
    const [program, ...words] = this.words(args)
    const env = { ...process.env, ...this.#env }
    return outcome(
      spawnSync(program, words, { input, maxBuffer: MOST_OUTPUT, timeout: TIMEOUT_MS, cwd: this.#cwd, env }),
    )
  }

  /** Runs what has to go well, and returns what it printed. */
  done(args: readonly string[], input: Uint8Array | string = ''): string {
    const { code, out, err } = this.run(args, input)
    assert.equal(code, 0, `${args.join(' ')}: ${err}`)
    return out
  }

  /** Runs it on a terminal; `out` is what the terminal showed. */
  onTerminal(args: readonly string[], steps: readonly TerminalStep[]): CommandOutcome {
    const options = {
      input: JSON.stringify(steps),
      timeout: TERMINAL_TIMEOUT_MS,
      env: { ...process.env, ...this.#env },
    }
    return outcome(spawnSync('python3', [TERMINAL, ...this.words(args)], options))
  }

  removeContainers(): void {
    for (const id of this.run(['ps', '-a', '-q']).out.split('\n').filter(Boolean)) this.run(['rm', '-f', id])
  }
}

function outcome({ status, stdout, stderr, error }: SpawnSyncReturns<Buffer>): CommandOutcome {
  // Such as a program that is not there; too long a run is told by the code.
  if (error !== undefined && stdout === null) throw error
  return { code: status, out: stdout.toString(), err: stderr.toString(), bytes: stdout }
}
