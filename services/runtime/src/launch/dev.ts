import type { LinuxDevice } from '@caisson/oci'
import { invalid } from '../refusal.ts'
import type { PlanRecord } from './plan.ts'

const S_IFCHR = 0o020000
const S_IFBLK = 0o060000
const MAX_MAJOR = 4095
const MAX_MINOR = 1_048_575

const NODES: readonly (readonly [name: string, major: number, minor: number])[] = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
]

const LINKS: readonly (readonly [name: string, target: string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['ptmx', 'pts/ptmx'],
  ['core', '/proc/kcore'],
]

/** What stands in /dev: the usual nodes and links, and the devices that were asked for. */
export function devRecords(devices: readonly LinuxDevice[] = []): PlanRecord[] {
  const asked = devices.map(deviceRecord)
  const names = new Set(asked.map((record) => record.name))
  const usual = NODES.filter(([name]) => !names.has(name)).map(([name, major, minor]): PlanRecord => {
    return { type: 'devNode', mode: S_IFCHR | 0o666, major, minor, uid: 0, gid: 0, name }
  })
  const links = LINKS.map(([name, target]): PlanRecord => ({ type: 'devLink', name, target }))
  return [...usual, ...asked, ...links]
}

function deviceRecord(device: LinuxDevice) {
  const { path, major = -1, minor = -1, fileMode = 0o666, uid = 0, gid = 0 } = device
  const name = /^\/dev\/((?!\.{1,2}(?:\/|$))[^/\0]+(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)*)$/.exec(path)?.[1]
  if (name === undefined || path.length > 4000) throw refused(path, 'its place is not below /dev')
  if (LINKS.some(([link]) => link === name)) throw refused(path, 'a link stands at its place')
  if (device.type === 'p') throw refused(path, 'a pipe is no device; make one inside the container')
  if (!inRange(major, MAX_MAJOR) || !inRange(minor, MAX_MINOR)) throw refused(path, `its number is ${major}:${minor}`)
  if (!inRange(fileMode, 0o777)) throw refused(path, `its mode is 0${fileMode.toString(8)}`)
  const mode = (device.type === 'b' ? S_IFBLK : S_IFCHR) | fileMode
  return { type: 'devNode' as const, mode, major, minor, uid, gid, name }
}

const inRange = (value: number, most: number): boolean => Number.isInteger(value) && value >= 0 && value <= most

function refused(path: string, why: string): Error {
  return invalid(
    'DEVICE_INVALID',
    path.slice(0, 80),
    `the device ${JSON.stringify(path.slice(0, 80))} cannot be made: ${why}`,
  )
}
