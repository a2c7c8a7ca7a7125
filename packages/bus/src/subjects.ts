import type { Event } from '@caisson/api/event'

const PREFIX = 'caisson.event'

/** A token of a NATS subject may hold no dot, blank or wildcard. */
function token(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_-]/g, '_') || '_'
}

/** Where the events of a service's log on a host stand: caisson.event.<host>.<service>. */
export function sourceSubject(host: string, service: string): string {
  return `${PREFIX}.${token(host)}.${token(service)}`
}

/** Where one event stands: caisson.event.<host>.<service>.<kind>.<verb>. */
export function eventSubject(event: Event): string {
  return `${sourceSubject(event.host, event.service)}.${event.type.split('.').map(token).join('.')}`
}

/** Every event. */
export const ALL_EVENTS = `${PREFIX}.>`
