import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SERVICES, type ServiceName } from '@caisson/api/address'
import type { Layout } from '@caisson/api/layout'
import { refuse } from '../parse/refusal.ts'
import { runningSupervisor } from './pid-file.ts'
import { readState } from './state-file.ts'

/** Services that an engine has only when they are configured: DIR/etc/<service>.json is there. */
const OPTIONAL: readonly ServiceName[] = ['registry']
const ALL: readonly ServiceName[] = [...SERVICES, ...OPTIONAL]

/** Where the configuration of a service is. */
export const configFile = (layout: Layout, service: ServiceName): string => join(layout.configDir, `${service}.json`)

/** The services that an engine is to have: those that are named, or every usual and every configured one. */
export function chosenServices(layout: Layout, named: readonly string[] = []): ServiceName[] {
  const unknown = named.find((name) => !ALL.some((service) => service === name))
  if (unknown !== undefined) throw refuse('--service', unknown, `is not a service: name ${ALL.join(', ')}`)
  if (named.length > 0) return ALL.filter((service) => named.includes(service))
  return [...SERVICES, ...OPTIONAL.filter((service) => existsSync(configFile(layout, service)))]
}

/** The services of the engine that runs now; those it would have when none runs. */
export function currentServices(layout: Layout): ServiceName[] {
  const running = runningSupervisor(layout) ? readState(layout).services.map(({ name }) => name) : []
  return running.length > 0 ? ALL.filter((service) => running.includes(service)) : chosenServices(layout)
}
