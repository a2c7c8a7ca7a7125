import { readFileSync } from 'node:fs'
import type { ServiceName } from '@caisson/api/address'
import type { InfoResponse } from '@caisson/api/host'
import type { Context } from '../context.ts'
import { binaryBytes, roughDuration } from '../output/units.ts'
import type { Action } from '../spec.ts'
import { currentServices } from '../supervisor/chosen-services.ts'
import { askHealth } from '../supervisor/health.ts'
import { runningSupervisor } from '../supervisor/pid-file.ts'
import { readState } from '../supervisor/state-file.ts'

interface ServiceStatus {
  readonly service: string
  readonly health: string
  readonly pid: number | null
  readonly version: string
  readonly uptimeMs: number | null
  readonly memoryBytes: number | null
  readonly restarts: number
  readonly lastEnd: string
}

/** Tells about every service, and how many containers there are. Exits with 1 unless everything serves. */
export const status: Action = async (context) => {
  const { layout, out } = context
  const services = await Promise.all(currentServices(layout).map((name) => statusOf(context, name)))
  const supervisor = runningSupervisor(layout)?.pid ?? null
  const host = services.some(({ service, health }) => service === 'runtime' && health === 'serving')
    ? await askHost(context)
    : undefined
  if (out.json)
    out.document({
      root: layout.root || null,
      supervisor,
      services,
      containers: host?.containers ?? null,
      warnings: host?.warnings ?? [],
    })
  else {
    showServices(context, services)
    out.line('')
    out.line(`engine:     ${layout.root || layout.stateDir}${supervisor ? ` (supervisor ${supervisor})` : ''}`)
    if (host) out.line(`containers: ${countContainers(host)}`)
    for (const warning of host?.warnings ?? []) out.note(`${out.colors.yellow('warning:')} ${warning}`)
    if (!services.some(({ health }) => health === 'serving'))
      out.note(`start the engine with '${context.command} up -d'`)
  }
  return services.every(({ health }) => health === 'serving') ? 0 : 1
}

async function statusOf({ layout }: Context, name: ServiceName): Promise<ServiceStatus> {
  const health = await askHealth(layout, name, 3_000)
  const record = readState(layout).services.find((service) => service.name === name)
  const pid = record?.process?.pid ?? null
  return {
    service: name,
    health,
    pid,
    version: pid === null ? '' : (record?.version ?? ''),
    uptimeMs: pid === null || !record ? null : Date.now() - record.startedAtMs,
    memoryBytes: pid === null ? null : residentBytes(pid),
    restarts: record?.restarts ?? 0,
    lastEnd: record?.lastEnd ?? '',
  }
}

/** Bytes a process has in memory by itself: its proportional share (proc_pid_smaps(5)), or what is resident. */
function residentBytes(pid: number): number | null {
  for (const [file, key] of [
    ['smaps_rollup', 'Pss'],
    ['status', 'VmRSS'],
  ] as const)
    try {
      const found = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'latin1'))
      if (found) return Number(found[1]) * 1024
    } catch {
      // Ended meanwhile, or another user's: try the next.
    }
  return null
}

async function askHost({ engine }: Context): Promise<InfoResponse | undefined> {
  try {
    return await (await engine.host()).info({}, { deadlineMs: 5_000 })
  } catch {
    // The health says what is to be said.
    return undefined
  }
}

function showServices({ out }: Context, services: readonly ServiceStatus[]): void {
  out.table(services, [
    { head: 'SERVICE', cell: ({ service }) => service },
    { head: 'HEALTH', cell: ({ health }) => health },
    { head: 'PID', cell: ({ pid }) => (pid === null ? '-' : String(pid)) },
    { head: 'VERSION', cell: ({ version }) => version || '-' },
    { head: 'UPTIME', cell: ({ uptimeMs }) => (uptimeMs === null ? '-' : roughDuration(uptimeMs)) },
    { head: 'MEMORY', cell: ({ memoryBytes }) => (memoryBytes === null ? '-' : binaryBytes(memoryBytes)) },
    { head: 'RESTARTS', cell: ({ restarts, lastEnd }) => `${restarts}${lastEnd ? ` (${lastEnd})` : ''}` },
  ])
}

function countContainers({ containers }: InfoResponse): string {
  const counts = Object.entries(containers).filter(([, count]) => count > 0)
  return counts.map(([state, count]) => `${count} ${state}`).join(', ') || 'none'
}
