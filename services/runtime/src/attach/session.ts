import { CaissonError } from '@caisson/api'
import type { TerminalSize } from '../container/spec.ts'
import type { LogEntry } from '../log/entry.ts'
import { logDirectory, openMonitorFeed } from '../log/monitor-feed.ts'
import type { LogPosition } from '../log/position.ts'
import { followLog } from '../log/read-log.ts'
import { logEnd } from '../log/segments.ts'
import type { AttachInput } from './input.ts'
import { StdinConnection } from './stdin-connection.ts'

/** A process that a client is connected to. */
export interface AttachedProcess {
  /** Where its monitor has socket, exit record and log. */
  readonly stateDir: string
  /** Where its output is followed from. Undefined: from now on. */
  readonly from: LogPosition | undefined
  readonly output: boolean
  /** Whether what the client sends is its input; 'once': and nobody else's later. With 'none' it is left out. */
  readonly stdin: 'none' | 'open' | 'once'
  resize(size: TerminalSize): Promise<void>
  /** By name or number. */
  kill(signal: string): Promise<void>
}

/**
 * Connects a client to a process: yields its output until its log is over, and meanwhile obeys the client. The first page
 * is empty: it says that the client is connected, and that nothing written from now on is missed. The client's slowness
 * holds the process up rather than losing output; its going away ends the session and nothing else. Input that is refused
 * ends the session with that error.
 */
export async function* attachSession(
  process: AttachedProcess,
  inputs: AsyncIterable<AttachInput>,
  signal: AbortSignal,
): AsyncGenerator<readonly LogEntry[]> {
  const over = new AbortController()
  const stop = AbortSignal.any([signal, over.signal])
  using feed = await openMonitorFeed(process.stateDir, { pin: process.output })
  using stdin = new StdinConnection(process.stateDir, process.stdin === 'once')
  if (process.stdin !== 'none') await stdin.open(stop)
  const directory = logDirectory(process.stateDir)
  const position = process.from ?? feed.state.end ?? (await logEnd(directory))
  yield []
  obeyAll(process, stdin, inputs).catch((error: unknown) => {
    if (!stop.aborted) over.abort(CaissonError.from(error))
  })
  try {
    if (process.output) yield* followLog(directory, { position }, feed, stop)
    else while (!feed.state.over) await feed.changed(feed.state.version, stop)
  } finally {
    over.abort(new CaissonError('cancelled', 'the session is over'))
  }
}

/** Does what the client says, until it says no more. Its input is then over for good, as when it went away. */
async function obeyAll(
  process: AttachedProcess,
  stdin: StdinConnection,
  inputs: AsyncIterable<AttachInput>,
): Promise<void> {
  for await (const input of inputs) await obey(process, stdin, input)
  stdin.close()
}

async function obey(process: AttachedProcess, stdin: StdinConnection, input: AttachInput): Promise<void> {
  switch (input.kind) {
    // Without a connection for input these do nothing.
    case 'stdin':
      await stdin.write(input.data)
      return
    case 'stdinEnd':
      stdin.end()
      return
    case 'resize':
      return process.resize(input.size)
    case 'signal':
      return process.kill(input.signal)
  }
}
