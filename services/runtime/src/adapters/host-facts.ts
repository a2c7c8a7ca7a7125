import { readdirSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { failedPrecondition } from '@caisson/api'
import type { DeviceNumber } from '../container/resources.ts'
import type { HostFacts } from '../container/runtime-spec.ts'

/** What stands in /dev of a container by itself, or belongs to the host's own terminals. */
const LEFT_OUT = new Set(['pts', 'shm', 'mqueue', 'hugepages', 'fd', 'console', 'ptmx', 'tty', 'null', 'zero', 'full'])
const ALSO_LEFT_OUT = new Set(['random', 'urandom', 'core', 'stdin', 'stdout', 'stderr', 'log', 'initctl'])

/** This host. */
export function hostFacts(): HostFacts {
  return { processors: availableParallelism(), numberOf, allDevices: () => [...devicesBelow('/dev')] }
}

function numberOf(path: string): DeviceNumber {
  const stat = statSync(path, { throwIfNoEntry: false })
  const type = stat?.isCharacterDevice() ? 'c' : stat?.isBlockDevice() ? 'b' : undefined
  if (!stat || !type)
    throw failedPrecondition('DEVICE_NOT_FOUND', `${path} is no device of this host: check the path`, {
      details: { path },
    })
  // As makedev(3) puts them together.
  const number = BigInt(stat.rdev)
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn)
  const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn & 0xffff_ffffn)
  return { type, major: Number(major), minor: Number(minor) }
}

function* devicesBelow(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (LEFT_OUT.has(entry.name) || ALSO_LEFT_OUT.has(entry.name)) continue
    const path = join(directory, entry.name)
    if (entry.isDirectory()) yield* devicesBelow(path)
    else if (entry.isCharacterDevice() || entry.isBlockDevice()) yield path
  }
}
