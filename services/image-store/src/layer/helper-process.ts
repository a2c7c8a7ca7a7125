import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type LayerChange, type LayerProgress, parseAnswer } from './answer.ts'
import { LayerError } from './layer-error.ts'

/** Tells each time the blob's file has grown, and resolves when it is whole; rejects when it will never be. */
export type Growth = (onGrowth: () => void, signal: AbortSignal) => Promise<void>

export interface HelperCall {
  /** Path of the program caisson-layer. */
  readonly program: string
  readonly args: readonly string[]
  /** Becomes descriptor 3: a descriptor, read from where it stands, or a stream. */
  readonly blob?: number | Readable | undefined
  /** Signs of it become bytes on standard input, which ends when the blob is whole. */
  readonly growth?: Growth | undefined
  /** Becomes descriptor 4. */
  readonly directory?: number | undefined
  /** Becomes descriptor 5. */
  readonly tee?: number | undefined
  readonly onProgress?: ((progress: LayerProgress) => void) | undefined
  /** The helper is read no further until it resolves. */
  readonly onChange?: ((change: LayerChange) => Promise<void>) | undefined
  readonly signal?: AbortSignal | undefined
}

const STDERR_MAX = 4096

/**
 * Runs the helper to its end and returns its answer. Throws LayerError, or the reason of the signal, or the error of the
 * blob's stream or growth; the process is gone by then.
 */
export async function runHelper(call: HelperCall): Promise<Readonly<Record<string, unknown>>> {
  call.signal?.throwIfAborted()
  const child = spawn(call.program, call.args, { env: {}, cwd: '/', stdio: stdioOf(call) })
  const ended = exitOf(child)
  const kill = (): void => void child.kill('SIGKILL')
  call.signal?.addEventListener('abort', kill, { once: true })
  try {
    const [outcome, ...feedErrors] = await Promise.all([
      readOutcome(child, ended, call),
      feed(child, call.blob),
      tellGrowth(child, ended, call.growth),
    ])
    call.signal?.throwIfAborted()
    const feedError = feedErrors.find((error) => error !== undefined)
    if (feedError !== undefined) throw feedError
    if (outcome.value === undefined) throw outcome.error
    return outcome.value
  } finally {
    call.signal?.removeEventListener('abort', kill)
    kill()
    await ended
  }
}

/**
 * Runs the helper and yields what it writes to descriptor 5. Throws as runHelper does, when all was yielded; leaving the
 * loop early ends the helper.
 */
export async function* streamHelper(call: Omit<HelperCall, 'blob' | 'tee'>): AsyncGenerator<Buffer> {
  call.signal?.throwIfAborted()
  const child = spawn(call.program, call.args, { env: {}, cwd: '/', stdio: [...stdioOf(call).slice(0, 5), 'pipe'] })
  const ended = exitOf(child)
  const kill = (): void => void child.kill('SIGKILL')
  call.signal?.addEventListener('abort', kill, { once: true })
  const outcome = readOutcome(child, ended, call)
  // Its failure is thrown below, when it is awaited.
  outcome.catch(() => {})
  try {
    const output = (child as ChildProcess).stdio?.at(5) as Readable | undefined
    if (output) yield* output as AsyncIterable<Buffer>
    const { value, error } = await outcome
    call.signal?.throwIfAborted()
    if (value === undefined) throw error
  } finally {
    call.signal?.removeEventListener('abort', kill)
    kill()
    await ended
  }
}

function stdioOf(call: HelperCall): Array<'ignore' | 'pipe' | number> {
  const blob = call.blob instanceof Readable ? 'pipe' : (call.blob ?? 'ignore')
  return [call.growth ? 'pipe' : 'ignore', 'pipe', 'pipe', blob, call.directory ?? 'ignore', call.tee ?? 'ignore']
}

/** Feeds the stream to the helper. Gives the error of the stream itself, after killing the helper; it never rejects. */
async function feed(child: ChildProcess, blob: number | Readable | undefined): Promise<unknown> {
  if (!(blob instanceof Readable)) return undefined
  // Without descriptors left to make pipes of, there is no stdio at all.
  const pipe = child.stdio?.[3] as Writable | undefined
  // The pipe is reset when the helper ends with input unread, perhaps long after the stream was done.
  pipe?.on('error', () => {})
  try {
    if (pipe) await pipeline(blob, pipe)
    else blob.destroy()
    return undefined
  } catch (error) {
    // A helper that is done, or has failed, closes its end: its answer says more.
    if (isClosedPipe(error)) return undefined
    child.kill('SIGKILL')
    return error
  }
}

/** Gives the error of the growth itself, after killing the helper; it never rejects. */
async function tellGrowth(child: ChildProcess, ended: Promise<string>, growth: Growth | undefined): Promise<unknown> {
  if (!growth) return undefined
  const { stdin } = child
  stdin?.on('error', () => {})
  const gone = new AbortController()
  const stop = ended.then(() => gone.abort())
  try {
    // A sign that is still on its way is as good as one more.
    await growth(() => {
      if (stdin?.writableLength === 0) stdin.write('+')
    }, gone.signal)
    stdin?.end()
    return undefined
  } catch (error) {
    if (gone.signal.aborted) return undefined
    child.kill('SIGKILL')
    return error
  } finally {
    await stop
  }
}

function isClosedPipe(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'EPIPE' || code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE'
}

type Outcome =
  | { readonly value: Readonly<Record<string, unknown>>; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: LayerError }

async function readOutcome(child: ChildProcess, ended: Promise<string>, call: HelperCall): Promise<Outcome> {
  const complaint = collect(child.stderr)
  let outcome: Outcome | undefined
  for await (const line of linesOf(child.stdout)) {
    const answer = parseAnswer(line)
    if (answer.kind === 'progress') call.onProgress?.(answer.progress)
    if (answer.kind === 'change') await call.onChange?.(answer.change)
    if (answer.kind === 'failure') outcome = { error: new LayerError(answer.failure) }
    if (answer.kind === 'done') outcome = { value: answer.value }
  }
  const how = await ended
  return outcome ?? { error: noAnswer(call.program, how, await complaint) }
}

/** How the process ended, once its output is closed too. */
async function exitOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = await once(child, 'close')
    return signal === null ? `with status ${code}` : `by ${signal}`
  } catch (error) {
    return `before it started (${error instanceof Error ? error.message : String(error)})`
  }
}

function linesOf(stdout: Readable | null): AsyncIterable<string> | readonly string[] {
  return stdout ? createInterface({ input: stdout, crlfDelay: Number.POSITIVE_INFINITY }) : []
}

async function collect(stderr: Readable | null): Promise<string> {
  let text = ''
  if (stderr) for await (const chunk of stderr) if (text.length < STDERR_MAX) text += String(chunk)
  return text.slice(0, STDERR_MAX).trim()
}

function noAnswer(program: string, how: string, complaint: string): LayerError {
  const message = `the layer helper ${program} ended ${how} without an answer${complaint === '' ? '' : `: ${complaint}`}`
  return new LayerError({ reason: 'IO', path: '', message, step: 'helper', errno: 0 })
}
