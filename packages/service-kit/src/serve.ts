import { existsSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import {
  type CaissonError,
  type CallObserver,
  Health,
  HealthDefinition,
  type Layout,
  RpcServer,
  type ServiceName,
  socketAddress,
  unavailable,
} from '@caisson/api'
import { EventLogDefinition } from '@caisson/api/event'
import { registerReflection } from '@caisson/api/reflection'
import type { EventLog } from './event-log/event-log.ts'
import { eventLogHandlers } from './event-log/rpc.ts'
import type { Logger } from './logger.ts'
import type { Measurement } from './measurement.ts'
import { serveMetrics } from './metrics.ts'

export interface ServeOptions {
  readonly service: ServiceName
  readonly layout: Layout
  readonly log: Logger
  readonly events: EventLog
  /** Milliseconds that calls in flight get when the service stops. */
  readonly stopGraceMs: number
  /** File with the descriptors that reflection serves. */
  readonly descriptors: string
  /** Registers the service's own handlers and returns their full names. */
  readonly register: (server: RpcServer) => readonly string[]
  /** What the service measures of its own, for its metrics. */
  readonly measure?: () => Promise<readonly Measurement[]>
}

/**
 * Serves a service on DIR/run/<service>.sock together with its event log, health, reflection and metrics. Disposing says
 * NOT_SERVING, ends streams and drains calls.
 */
export async function serve(options: ServeOptions): Promise<AsyncDisposable> {
  const address = socketAddress(options.layout.runDir, options.service)
  const path = address.slice('unix://'.length)
  await removeStaleSocket(path)
  const metrics = await serveMetrics(options.layout, options.service, options.measure)
  const server = new RpcServer(observeCalls(options.log, metrics.observeCall))
  const names = [...options.register(server), EventLogDefinition.fullName]
  server.register(EventLogDefinition, eventLogHandlers(options.events))
  const health = new Health()
  for (const name of names) health.add(name)
  server.register(HealthDefinition, health.handlers)
  registerReflection(server, [...names, HealthDefinition.fullName], options.descriptors)
  await server.listenUnix(path)
  health.serving = true
  return {
    [Symbol.asyncDispose]: async () => {
      health.serving = false
      await server.stop(options.stopGraceMs)
      await metrics[Symbol.asyncDispose]()
    },
  }
}

/** A socket that nobody answers on is left over from a service that was killed. */
async function removeStaleSocket(path: string): Promise<void> {
  if (!existsSync(path)) return
  const answered = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy()
      resolve(true)
    })
    probe.on('error', () => resolve(false))
  })
  if (answered) throw unavailable('ALREADY_RUNNING', `another process serves ${path}: stop it first`)
  rmSync(path)
}

type Ended = Parameters<CallObserver['ended']>[0]

function observeCalls(log: Logger, count: (call: Ended) => void): CallObserver {
  return {
    ended(call) {
      count(call)
      if (!call.error) log.debug(call, 'call')
      else if (call.error.code === 'internal') log.error({ ...call, error: insides(call.error) }, 'call failed')
      else
        log.info(
          { ...call, error: { code: call.error.code, reason: call.error.reason, message: call.error.message } },
          'call refused',
        )
    },
  }
}

/** The stack of what was thrown first: the one place where it is written down. */
function insides(error: CaissonError): unknown {
  return {
    message: error.message,
    cause: error.cause instanceof Error ? error.cause.stack : error.cause,
    stack: error.stack,
  }
}
