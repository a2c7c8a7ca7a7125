import { isIP } from 'node:net'
import { isAbsolute, normalize } from 'node:path'
import { invalid } from '@caisson/api'
import { isDnsName } from '../names/dns-names.ts'

/** Checks at the edge: what passes them the domain trusts. Each throws `invalid-argument` and names the field. */

const quote = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)

function matching(pattern: RegExp, field: string, value: string, wanted: string): string {
  if (pattern.test(value)) return value
  throw invalid(`${field} ${quote(value)} is not valid: it must be ${wanted}`, { details: { field } })
}

export const sandboxId = (value: string): string =>
  matching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/, 'id', value, '1 to 128 letters, digits or _.-')

export const optionalName = (value: string): string =>
  value === '' ? value : matching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/, 'name', value, 'letters, digits or _.-')

/** RFC 1123, and underscores, which many people use. */
export const hostName = (field: string, value: string): string =>
  matching(/^[a-zA-Z0-9_]([a-zA-Z0-9_.-]{0,251}[a-zA-Z0-9_])?$/, field, value, 'a host name')

/** A host name that can be asked for: its labels have 1 to 63 characters. */
export function dnsName(field: string, value: string): string {
  if (isDnsName(hostName(field, value))) return value
  throw invalid(`${field} ${quote(value)} is not valid: between its dots there must be 1 to 63 characters`, {
    details: { field },
  })
}

export const optionalHostName = (value: string): string => (value === '' ? value : hostName('hostname', value))

export const networkName = (value: string): string =>
  matching(
    /^(?![0-9a-f]{64}$)[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/,
    'name',
    value,
    '1 to 128 letters, digits or _.-, and not look like an id',
  )

/** Of the host; the engine's own names are not for others. */
export const bridgeName = (field: string, value: string): string =>
  matching(
    /^(?!all$|default$|lo$|cs[np])[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$/,
    field,
    value,
    '1 to 15 letters, digits or _.-, and not begin with csn or csp',
  )

export const auxiliaryName = (value: string): string =>
  matching(/^[\x20-\x7e]{1,128}$/, 'auxiliary_addresses', value, '1 to 128 printable characters')

export const requestId = (value: string): string =>
  value === '' ? value : matching(/^[\x21-\x7e]{1,128}$/, 'request_id', value, '1 to 128 printable characters')

export const networkReference = (value: string): string =>
  value === '' ? value : matching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/, 'network', value, 'the name or id of a network')

// Not "." and "..", nor what stands for other interfaces in /proc/sys/net.
const INTERFACE = /^(?!\.\.?$|all$|default$|lo$)[a-zA-Z0-9_.-]{1,15}$/

export const optionalInterfaceName = (value: string): string | undefined =>
  value === '' ? undefined : matching(INTERFACE, 'interface_name', value, '1 to 15 letters, digits or _.-')

export function ipAddress(field: string, value: string): string {
  if (isIP(value) !== 0 && !value.includes('%')) return value
  throw invalid(`${field} ${quote(value)} is not an IP address`, { details: { field } })
}

/** One word of a line of resolv.conf. */
export const resolverWord = (field: string, value: string): string =>
  matching(/^[a-zA-Z0-9_.:-]{1,253}$/, field, value, 'one word of letters, digits or _.:-')

export function optionalNamespacePath(value: string): string | undefined {
  if (value === '') return undefined
  if (isAbsolute(value) && normalize(value) === value && !value.includes('\0')) return value
  throw invalid(`namespace_path ${quote(value)} is not an absolute path without dots`, {
    details: { field: 'namespace_path' },
  })
}

const LABEL_BYTES = 64 * 1024

export function labels(value: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (Buffer.byteLength(JSON.stringify(value)) <= LABEL_BYTES) return value
  throw invalid(`the labels are longer than ${LABEL_BYTES} bytes: use fewer or shorter ones`, {
    details: { field: 'labels' },
  })
}
