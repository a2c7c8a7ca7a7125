import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Layout } from '@caisson/api/layout'
import { Backoff } from './backoff.ts'
import { stopLeftovers } from './leftovers.ts'
import { LogFile } from './log-file.ts'
import { claimSupervisor } from './pid-file.ts'
import { serviceEnvironment } from './service-environment.ts'
import type { ServiceProgram } from './service-program.ts'
import { type ServiceRecord, writeState } from './state-file.ts'
import { SupervisedService } from './supervised-service.ts'

export interface SuperviseOptions {
  readonly layout: Layout
  readonly programs: readonly ServiceProgram[]
  /** Path of Node. */
  readonly node: string
  /** Milliseconds a service gets to end before it is killed. */
  readonly stopGraceMs: number
  /** Told of everything that happens to a service. */
  readonly report: (record: ServiceRecord) => void
  readonly backoff?: { firstMs: number; mostMs: number; calmMs: number }
}

/** Milliseconds a service gets to end before it is killed. */
export const STOP_GRACE_MS = 10_000
const BACKOFF = { firstMs: 100, mostMs: 10_000, calmMs: 10_000 }
const ROTATE_EVERY_MS = 2_000

/** Runs the services of an engine until `signal` is aborted; then stops them, the last in the list first. */
export async function supervise(options: SuperviseOptions, signal: AbortSignal): Promise<void> {
  process.umask(0o077)
  resetOomScore()
  using _claim = claimSupervisor(options.layout)
  await stopLeftovers(options.layout, options.stopGraceMs)
  using logs = new DisposableStack()
  const services = options.programs.map((program) => {
    const log = logs.use(new LogFile(join(options.layout.logDir, `${program.name}.log`)))
    return new SupervisedService(startOf(program, options), log, new Backoff(options.backoff ?? BACKOFF), () =>
      changed(program.name),
    )
  })
  function changed(name: string): void {
    writeState(options.layout, { services: services.map((service) => service.record) })
    const service = services.find((one) => one.name === name)
    if (service) options.report(service.record)
  }
  const rotating = setInterval(() => {
    for (const service of services) service.log.rotateIfFull()
  }, ROTATE_EVERY_MS)
  for (const service of services) service.run()
  await aborted(signal)
  for (const service of services.toReversed()) await service.stop(options.stopGraceMs)
  clearInterval(rotating)
  writeState(options.layout, { services: [] })
}

function startOf(program: ServiceProgram, { layout, node }: SuperviseOptions) {
  return {
    name: program.name,
    version: program.version,
    command: node,
    args: [...program.args, ...(layout.root === '' ? [] : ['--root', layout.root])],
    env: serviceEnvironment(process.env),
  }
}

/** The services must not be the first that the kernel kills when memory runs out. */
function resetOomScore(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '0')
  } catch {
    // Lowering it is refused to who may not: then the services keep what this process was given.
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
