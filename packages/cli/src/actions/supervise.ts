import type { ServiceName } from '@caisson/api/address'
import type { Context } from '../context.ts'
import type { Action } from '../spec.ts'
import { chosenServices } from '../supervisor/chosen-services.ts'
import { findServicePrograms } from '../supervisor/service-program.ts'
import type { ServiceRecord } from '../supervisor/state-file.ts'
import { STOP_GRACE_MS, supervise } from '../supervisor/supervise.ts'

/** The supervisor in the background: what `up -d` starts. Writes a line about each change to its standard output. */
export const superviseInBackground: Action = async (context, _args, options) => {
  process.on('SIGHUP', () => {})
  const services = chosenServices(context.layout, options.list('service'))
  await run(context, services, (record) => context.out.record({ time: new Date().toISOString(), ...record }))
  return 0
}

/** The supervisor in the foreground. */
export async function runForeground(context: Context, services: readonly ServiceName[]): Promise<void> {
  const { out } = context
  const seen = new Map<string, number>()
  void announceServing(context, services)
  await run(context, services, (record) => {
    if (out.json) return out.record(record)
    if (!record.process) out.line(`${out.colors.red('✗')} ${record.name}: ${record.lastEnd}`)
    else if (seen.get(record.name) !== record.process.pid) out.line(`  ${record.name}: pid ${record.process.pid}`)
    seen.set(record.name, record.process?.pid ?? 0)
  })
}

async function announceServing({ layout, out, signal }: Context, services: readonly ServiceName[]): Promise<void> {
  const { waitUntilServing } = await import('../supervisor/health.ts')
  for (const service of services)
    if (await waitUntilServing(layout, service, Number.MAX_SAFE_INTEGER, signal)) {
      if (out.json) out.record({ service, health: 'serving' })
      else out.line(`${out.colors.green('✓')} ${service}: serving`)
    }
}

async function run(
  context: Context,
  services: readonly ServiceName[],
  report: (record: ServiceRecord) => void,
): Promise<void> {
  const programs = findServicePrograms(context.installation.servicesDir, services)
  const options = { layout: context.layout, programs, node: process.execPath, stopGraceMs: STOP_GRACE_MS, report }
  await supervise(options, context.signal)
}
