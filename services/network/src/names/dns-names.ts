import type { Endpoint, Sandbox } from '../sandbox/sandbox.ts'

const SHORT_ID_DIGITS = 12
// RFC 1035 2.3.4: 255 bytes with the length of each label and the root.
const LONGEST_NAME = 253
const LABEL = /^[a-z0-9_-]{1,63}$/i

/** Labels of 1 to 63 letters, digits, _ and -, parted by dots. */
export const isDnsName = (name: string): boolean =>
  name.length <= LONGEST_NAME && name.split('.').every((label) => LABEL.test(label))

/**
 * What an endpoint is found by on its network: name and short id of its sandbox, its aliases, and its host name, with and
 * without the domain. The namespace of another sandbox has the names of that one alone.
 */
export function dnsNamesOf({ id, name, mode, hostname }: DnsOwner, { aliases }: Pick<Endpoint, 'aliases'>): string[] {
  if (mode !== 'bridge') return []
  const all = [name, ...aliases, id.slice(0, SHORT_ID_DIGITS), hostname, firstLabel(hostname)]
  return distinct(all.filter(isDnsName))
}

export type DnsOwner = Pick<Sandbox, 'id' | 'name' | 'mode' | 'hostname'>

export const firstLabel = (name: string): string => name.split('.', 1).join('')

/** The first of each, whatever the case. */
function distinct(names: readonly string[]): string[] {
  const known = new Map<string, string>()
  for (const name of names) if (!known.has(name.toLowerCase())) known.set(name.toLowerCase(), name)
  return [...known.values()]
}
