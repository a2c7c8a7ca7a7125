import type { AttachRequest, AttachResponse, ExitStatus } from '@caisson/api/container'
import { unavailable } from '@caisson/api/error'
import { DetachKeys } from './detach-keys.ts'
import { forwardSignals } from './forward-signals.ts'
import { onResize, rawMode } from './local-terminal.ts'
import { Queue } from './queue.ts'
import { describeGap, type Sinks, writeOutput } from './write-output.ts'

/** What is sent behind the first message: the same for containers and execs. */
export type SessionInput = Exclude<NonNullable<AttachRequest['item']>, { $case: 'target' }>

export interface SessionOptions {
  /** Whether the other side has a terminal. */
  readonly tty: boolean
  readonly stdin: boolean
  readonly detachKeys: Buffer
  readonly sinks: Sinks
  /** Opens the stream; what the queue yields goes behind the first message. */
  readonly open: (input: AsyncIterable<SessionInput>, signal: AbortSignal) => AsyncIterable<AttachResponse>
  /** Forward signals of this process. Never with a terminal: there they are keys. */
  readonly forwardSignals: boolean
  /** Told the id once it is connected. */
  readonly attached?: (id: string) => void
}

/** How a session ended: with the process, or because the user detached. */
export type SessionEnd = { readonly kind: 'exited'; readonly status: ExitStatus } | { readonly kind: 'detached' }

/** Messages that may wait to be sent before reading of the input pauses. */
const MOST_WAITING = 16

/** Connects the user's terminal, or standard input and output, to a process until it ends or the user detaches. */
export async function runSession(options: SessionOptions): Promise<SessionEnd> {
  using stack = new DisposableStack()
  const queue = stack.adopt(new Queue<SessionInput>(), (open) => open.end())
  const leave = new AbortController()
  if (options.tty) {
    if (options.stdin) stack.use(rawMode())
    stack.use(onResize((size) => queue.add({ $case: 'resize', value: size })))
  }
  if (options.forwardSignals && !options.tty)
    stack.use(forwardSignals((signal) => queue.add({ $case: 'signal', value: signal })))
  if (options.stdin) stack.use(forwardInput(options, queue, () => leave.abort()))
  // Awaited here: what the stack holds is needed until the end.
  return await follow(options, queue, leave.signal)
}

async function follow(options: SessionOptions, queue: Queue<SessionInput>, left: AbortSignal): Promise<SessionEnd> {
  try {
    for await (const response of options.open(queue, left)) {
      const status = await handle(options, response)
      if (status) return { kind: 'exited', status }
    }
  } catch (error) {
    if (left.aborted) return { kind: 'detached' }
    throw error
  }
  if (left.aborted) return { kind: 'detached' }
  throw unavailable('CONNECTION_LOST', 'the connection to the runtime service was lost; the process goes on')
}

async function handle({ sinks, attached }: SessionOptions, { item }: AttachResponse): Promise<ExitStatus | undefined> {
  switch (item?.$case) {
    case 'attached':
      attached?.(item.value.id)
      return undefined
    case 'output':
      await writeOutput(sinks, item.value)
      return undefined
    case 'gap':
      sinks.stderr.write(`${describeGap(item.value)}\n`)
      return undefined
    case 'exited':
      return item.value
    default:
      return undefined
  }
}

/** Sends what comes in, looks for the detach keys when a person types, and says when the input ends. */
function forwardInput(options: SessionOptions, queue: Queue<SessionInput>, detach: () => void): Disposable {
  const { stdin } = process
  const keys = new DetachKeys(options.tty && stdin.isTTY ? options.detachKeys : Buffer.alloc(0))
  const onData = (data: Buffer): void => {
    const { forward, detached } = keys.feed(data)
    if (forward.length > 0) queue.add({ $case: 'stdin', value: forward })
    if (detached) detach()
    else if (queue.size >= MOST_WAITING) stdin.pause()
  }
  const onEnd = (): void => queue.add({ $case: 'stdinEnd', value: {} })
  queue.drained = () => {
    if (stdin.isPaused()) stdin.resume()
  }
  stdin.on('data', onData)
  stdin.once('end', onEnd)
  stdin.once('error', onEnd)
  return {
    [Symbol.dispose]: () => {
      queue.drained = () => {}
      stdin.off('data', onData)
      stdin.off('end', onEnd)
      stdin.pause()
    },
  }
}
