import type { Partially } from '@caisson/api'
import type { ExitStatus, LogsRequest, Output } from '@caisson/api/container'
import { CaissonError } from '@caisson/api/error'
import type { Containers, Engine, Events } from './engine.ts'
import { pause } from './pause.ts'
import { describeGap, type Sinks, writeOutput } from './terminal/write-output.ts'

/** Milliseconds that a service gets to come back. */
const PATIENCE_MS = 60_000
const RETRY_MS = 100

/** Whether an error only says that the service is away for now. */
export function isAway(error: unknown): boolean {
  return error instanceof CaissonError && error.code === 'unavailable'
}

/**
 * Calls again while the service is away: containers do not notice when it is restarted, and neither need the user. `call`
 * says by `progress` that it got further; then the patience starts anew.
 */
export async function persist<T>(call: (progress: () => void) => Promise<T>, signal: AbortSignal): Promise<T> {
  let deadline = Date.now() + PATIENCE_MS
  const progress = (): void => {
    deadline = Date.now() + PATIENCE_MS
  }
  for (;;)
    try {
      return await call(progress)
    } catch (error) {
      if (!isAway(error) || Date.now() > deadline || signal.aborted) throw error
      await pause(RETRY_MS, signal)
    }
}

/** How a container ended, waiting for it as long as it takes. */
export async function waitForExit(
  containers: Containers,
  container: string,
  signal: AbortSignal,
): Promise<ExitStatus | undefined> {
  return persist(async () => (await containers.wait({ container }, { deadlineMs: 0, signal })).exit, signal)
}

/** Reads a log; goes on behind the last output that was seen when the service was away. */
export async function followLogs(
  containers: Containers,
  request: Partially<LogsRequest>,
  sinks: Sinks,
  write: (output: Output) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let rest = request
  await persist(async (progress) => {
    for await (const { item } of containers.logs(rest, { signal })) {
      progress()
      if (item?.$case === 'gap') sinks.stderr.write(`${describeGap(item.value)}\n`)
      if (item?.$case !== 'output') continue
      await write(item.value)
      if (item.value.cursor !== '') {
        const { tail: _tail, since: _since, ...others } = rest
        rest = { ...others, after: item.value.cursor }
      }
    }
  }, signal)
}

/** How a container ended, as an exit code is made from it. */
export type Ended = Pick<ExitStatus, 'exitCode' | 'signal'>

/**
 * Takes a run up again whose connection broke: the rest of the output behind `after`, and how it ended. One that is
 * removed by itself may be gone by now: then the event log still knows.
 */
export async function resumeRun(
  engine: Engine,
  container: string,
  after: string,
  sinks: Sinks,
  signal: AbortSignal,
): Promise<Ended | undefined> {
  const containers = await engine.containers()
  const request = { container, follow: true, ...(after === '' ? {} : { after }) }
  const write = (output: Output): Promise<void> => writeOutput(sinks, output)
  const [ended] = await Promise.all([
    unlessGone(waitForExit(containers, container, signal)),
    unlessGone(followLogs(containers, request, sinks, write, signal)),
  ])
  return ended ?? (await endFromEvents(await engine.events('runtime'), container, signal))
}

async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof CaissonError && error.code === 'not-found') return undefined
    throw error
  }
}

async function endFromEvents(log: Events, container: string, signal: AbortSignal): Promise<Ended | undefined> {
  const filter = { types: ['container.exited'], subjects: [container] }
  const { events } = await persist(() => log.list({ filter }, { signal }), signal)
  const body = events.at(-1)?.body
  return body?.$case === 'exit' ? body.value : undefined
}
