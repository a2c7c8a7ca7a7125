import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CaissonError, type Layout, layoutOf, type ServiceName } from '@caisson/api'
import type { z } from 'zod'
import { loadConfig } from './config.ts'
import { createLogger, type Logger } from './logger.ts'

/** What a service's main gets to work with. */
export interface ServiceContext<C> {
  readonly config: C
  readonly log: Logger
  readonly layout: Layout
  /** The service's own folder: nobody else opens it. Mode 0700. */
  readonly dataDir: string
  /** What is put here is undone, last first, when the service stops. */
  readonly stack: AsyncDisposableStack
}

/**
 * Runs a service until SIGTERM or SIGINT: reads `--root DIR` (or CAISSON_ROOT) and the configuration, makes the folders,
 * calls `start`, and unwinds the stack at the end. A start that fails ends the process with 1.
 */
export async function run<S extends z.ZodType<{ logLevel: string }>>(
  service: ServiceName,
  schema: S,
  start: (context: ServiceContext<z.infer<S>>) => Promise<void>,
): Promise<void> {
  const bootLog = createLogger(service, 'info')
  const stack = new AsyncDisposableStack()
  try {
    const layout = layoutOf(rootOption())
    const config = loadConfig(service, schema, layout)
    const log = createLogger(service, config.logLevel)
    watchForCrashes(log)
    const stopped = stopSignal()
    const dataDir = join(layout.stateDir, service)
    mkdirSync(layout.runDir, { recursive: true, mode: 0o711 })
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    await start({ config, log, layout, dataDir, stack })
    log.info({ pid: process.pid }, 'serving')
    log.info({ signal: await stopped }, 'stopping')
    await stack.disposeAsync()
    log.info('stopped')
    process.exit(0)
  } catch (thrown) {
    const error = CaissonError.from(thrown)
    bootLog.fatal({ reason: error.reason, cause: thrown instanceof Error ? thrown.stack : thrown }, error.message)
    await stack.disposeAsync().catch((failure: unknown) => bootLog.error({ failure }, 'cleaning up failed'))
    process.exit(1)
  }
}

function rootOption(): string {
  const { values } = parseArgs({ options: { root: { type: 'string' } } })
  return values.root ?? process.env['CAISSON_ROOT'] ?? ''
}

function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
    // The terminal it was started from may close.
    process.on('SIGHUP', () => {})
  })
}

/** A programming error must not leave a service half alive: log it and let the supervisor start it anew. */
function watchForCrashes(log: Logger): void {
  const crash = (error: unknown): void => {
    log.fatal({ stack: error instanceof Error ? error.stack : String(error) }, 'unexpected error: the service ends')
    process.exit(70)
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
}
