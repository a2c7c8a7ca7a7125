import { failedPrecondition, fromTimestamp, type Handlers, invalid } from '@caisson/api'
import type { ContainersDefinition, LogsRequest } from '@caisson/api/container'
import type { ContainerAccess } from '../access.ts'
import type { Container } from '../container/container.ts'
import type { LogEntry, LogStreamName } from '../log/entry.ts'
import type { LogQuery } from '../log/log-query.ts'
import { logDirectory, openMonitorFeed, recordedEnd } from '../log/monitor-feed.ts'
import { fromCursor, type LogPosition } from '../log/position.ts'
import { followLog, readLog } from '../log/read-log.ts'
import { toFewMessages, toMessages } from './output.ts'

/** Containers.Logs. */
export function logs(access: ContainerAccess): Handlers<typeof ContainersDefinition>['logs'] {
  return async function* (request, { signal }) {
    const query = toQuery(request)
    const container = access.resolve(request.container)
    if (!container.spec.log) throw notKept(container)
    using _hold = access.hold(container.id)
    const messages = request.times ? toMessages : toFewMessages
    for await (const entries of pages(access, container, query, request.follow, signal))
      for (const item of messages(entries)) yield { item }
  }
}

async function* pages(
  access: ContainerAccess,
  container: Container,
  query: LogQuery,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<readonly LogEntry[]> {
  const stateDir = access.stateDir(container.id)
  const isActive = ['starting', 'running', 'paused'].includes(access.stateOf(container))
  if (!follow || !isActive) {
    const state = isActive ? { end: undefined, over: false } : recordedEnd(stateDir)
    yield* readLog(logDirectory(stateDir), query, state, signal)
    return
  }
  using feed = await openMonitorFeed(stateDir, { pin: false })
  yield* followLog(logDirectory(stateDir), query, feed, signal)
}

function notKept(container: Container): Error {
  return failedPrecondition(
    'LOGS_NOT_KEPT',
    `the output of container ${container.name} is not kept: make it with the log driver file to read it`,
    { details: { container: container.id } },
  )
}

function toQuery(request: LogsRequest): LogQuery {
  const streams = new Set<LogStreamName>()
  if (!request.noStdout) streams.add('stdout')
  if (!request.noStderr) streams.add('stderr')
  if (streams.size === 0) throw invalid('neither standard output nor standard error is wanted: choose at least one')
  const after = toPosition(request)
  return {
    streams,
    sinceNs: fromTimestamp(request.since),
    untilNs: fromTimestamp(request.until),
    ...(request.tail !== undefined && { tail: request.tail }),
    ...(after && { after }),
  }
}

function toPosition({ after, tail, since }: LogsRequest): LogPosition | undefined {
  if (after === '') return undefined
  if (tail !== undefined || since) throw invalid('after cannot be combined with tail or since')
  const position = fromCursor(after)
  if (!position) throw invalid(`${JSON.stringify(after.slice(0, 40))} is no cursor: use that of an output`)
  return position
}
