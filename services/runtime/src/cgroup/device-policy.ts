import type { LinuxDeviceRule } from '@caisson/oci'
import { invalid } from '../refusal.ts'

/** What device nodes a container may use: a default, and what differs from it. */
export interface DevicePolicy {
  readonly isAllowed: boolean
  /** Allowed where the default denies, denied where it allows. No two for the same devices. */
  readonly exceptions: readonly DeviceException[]
}

export interface DeviceException {
  readonly type: 'c' | 'b'
  /** Undefined: every one. */
  readonly major?: number
  readonly minor?: number
  /** DEVICE_ACCESS bits. */
  readonly access: number
}

/** BPF_DEVCG_ACC_* of linux/bpf.h. */
export const DEVICE_ACCESS = { mknod: 1, read: 2, write: 4 } as const
const ALL_ACCESS = 7
const MAX_NUMBER = 0xffff_ffff

const allow = (type: 'c' | 'b', access: string, major?: number, minor?: number): LinuxDeviceRule => {
  return { allow: true, type, access, ...(major !== undefined && { major }), ...(minor !== undefined && { minor }) }
}

/**
 * The rules of a container that asks for no device: making nodes is allowed (opening them is another matter), and the
 * devices of the default /dev may be used.
 */
export const DEFAULT_DEVICE_RULES: readonly LinuxDeviceRule[] = [
  { allow: false, access: 'rwm' },
  allow('c', 'm'),
  allow('b', 'm'),
  allow('c', 'rwm', 1, 3),
  allow('c', 'rwm', 1, 5),
  allow('c', 'rwm', 1, 7),
  allow('c', 'rwm', 1, 8),
  allow('c', 'rwm', 1, 9),
  allow('c', 'rwm', 5, 0),
  allow('c', 'rwm', 5, 2),
  allow('c', 'rwm', 136),
]

/**
 * Folds ordered rules into a policy, as the version 1 controller would: a rule for all devices sets the default and
 * forgets what came before; any other adds to or takes from the exception for exactly its devices.
 */
export function devicePolicy(rules: readonly LinuxDeviceRule[]): DevicePolicy {
  let isAllowed = false
  const exceptions = new Map<string, DeviceException>()
  for (const rule of rules) {
    const access = accessOf(rule)
    const [major, minor] = [numberOf(rule.major, 'major'), numberOf(rule.minor, 'minor')]
    const isForAll = (rule.type ?? 'a') === 'a' && major === undefined && minor === undefined && access === ALL_ACCESS
    if (isForAll) {
      isAllowed = rule.allow
      exceptions.clear()
      continue
    }
    for (const type of typesOf(rule)) {
      const key = `${type} ${major ?? '*'}:${minor ?? '*'}`
      const before = exceptions.get(key)?.access ?? 0
      const after = rule.allow === isAllowed ? before & ~access : before | access
      exceptions.delete(key)
      if (after === 0) continue
      exceptions.set(key, {
        type,
        access: after,
        ...(major !== undefined && { major }),
        ...(minor !== undefined && { minor }),
      })
    }
  }
  return { isAllowed, exceptions: [...exceptions.values()] }
}

/** Values for devices.deny and devices.allow of version 1, in order. */
export function deviceLines(
  policy: DevicePolicy,
): { readonly file: 'devices.allow' | 'devices.deny'; readonly value: string }[] {
  const first = policy.isAllowed ? 'devices.allow' : 'devices.deny'
  const then = policy.isAllowed ? 'devices.deny' : 'devices.allow'
  return [
    { file: first, value: 'a' },
    ...policy.exceptions.map((exception) => ({ file: then, value: deviceLine(exception) }) as const),
  ]
}

function deviceLine({ type, major, minor, access }: DeviceException): string {
  const letters = [
    access & DEVICE_ACCESS.read ? 'r' : '',
    access & DEVICE_ACCESS.write ? 'w' : '',
    access & DEVICE_ACCESS.mknod ? 'm' : '',
  ]
  return `${type} ${major ?? '*'}:${minor ?? '*'} ${letters.join('')}`
}

function typesOf(rule: LinuxDeviceRule): readonly ('c' | 'b')[] {
  if (rule.type === 'c' || rule.type === 'b') return [rule.type]
  if (rule.type === undefined || rule.type === 'a') return ['c', 'b']
  throw ruleError('type', String(rule.type), 'expected a, c or b')
}

function accessOf(rule: LinuxDeviceRule): number {
  if (rule.access === undefined || rule.access === '') return ALL_ACCESS
  const bits: Record<string, number> = { r: DEVICE_ACCESS.read, w: DEVICE_ACCESS.write, m: DEVICE_ACCESS.mknod }
  return [...rule.access].reduce((all, letter) => {
    const bit = Object.hasOwn(bits, letter) ? bits[letter] : undefined
    if (bit === undefined) throw ruleError('access', rule.access ?? '', 'expected letters of rwm')
    return all | bit
  }, 0)
}

function numberOf(value: number | undefined, name: string): number | undefined {
  if (value === undefined || value === -1) return undefined
  if (Number.isInteger(value) && value >= 0 && value <= MAX_NUMBER) return value
  throw ruleError(name, String(value), `expected a number from 0 to ${MAX_NUMBER}, or -1 for every one`)
}

function ruleError(subject: string, value: string, rule: string): Error {
  return invalid(
    'DEVICE_RULE_INVALID',
    subject,
    `${JSON.stringify(value.slice(0, 40))} is no ${subject} of a device rule: ${rule}`,
  )
}
