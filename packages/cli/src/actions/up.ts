import type { ServiceName } from '@caisson/api/address'
import { failedPrecondition } from '@caisson/api/error'
import type { Context } from '../context.ts'
import type { Output } from '../output/output.ts'
import type { Action } from '../spec.ts'
import { chosenServices, currentServices } from '../supervisor/chosen-services.ts'
import { runningSupervisor } from '../supervisor/pid-file.ts'
import { prepareHost } from '../supervisor/prepare-host.ts'

/** Starts the services: in this process's care, or in the background. */
export const up: Action = async (context, _args, options) => {
  const services = chosenServices(context.layout, options.list('service'))
  prepareHost(context.layout, services)
  if (options.flag('detach')) return upDetached(context, services)
  const { runForeground } = await import('./supervise.ts')
  await runForeground(context, services)
  return 0
}

async function upDetached(context: Context, services: readonly ServiceName[]): Promise<number> {
  const { layout, out } = context
  const running = runningSupervisor(layout)
  if (running) {
    requireServices(context, services)
    const { waitUntilServing } = await import('../supervisor/health.ts')
    const deadline = Date.now() + 30_000
    const ready = await Promise.all(
      currentServices(layout).map((service) => waitUntilServing(layout, service, deadline, context.signal)),
    )
    if (!ready.every(Boolean))
      throw failedPrecondition('NOT_SERVING', `the engine runs, but not all of it serves: see 'caisson status'`)
    report(out, { engine: 'running already', pid: running.pid }, `the engine is running already (pid ${running.pid})`)
    return 0
  }
  const { startDetached } = await import('../supervisor/start-detached.ts')
  await startDetached(
    layout,
    context.installation,
    services,
    (service, afterMs) => {
      const text = `${out.colors.green('✓')} ${service.padEnd(11)} serving after ${Math.round(afterMs)} ms`
      report(out, { service, health: 'serving', afterMs: Math.round(afterMs) }, text)
    },
    context.signal,
  )
  return 0
}

/** One supervisor has one set of services for as long as it runs. */
function requireServices({ layout, command }: Context, services: readonly ServiceName[]): void {
  const running = currentServices(layout)
  const missing = services.filter((service) => !running.includes(service))
  if (missing.length === 0) return
  throw failedPrecondition(
    'OTHER_SERVICES',
    `the engine runs without ${missing.join(' and ')}: '${command} down' and then 'up' start it; containers keep running`,
    { details: { missing: missing.join(' ') } },
  )
}

function report(out: Output, record: unknown, text: string): void {
  if (out.json) out.record(record)
  else out.line(text)
}
