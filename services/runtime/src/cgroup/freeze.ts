import { setTimeout as delay } from 'node:timers/promises'
import { CaissonError } from '@caisson/api'
import { parseFlatKeyed, readTrimmed, writeControl } from './file.ts'
import { type CgroupPlacement, controllerMissing } from './placement.ts'

const FIRST_WAIT_MS = 1
const LONGEST_WAIT_MS = 50
const PATIENCE_MS = 10_000

/** Stops every process of the container, and returns when all of them stand. Throws CGROUP_FREEZE_TIMEOUT. */
export async function freezeCgroup(placement: CgroupPlacement, signal?: AbortSignal): Promise<void> {
  await setFrozen(placement, true, signal)
}

export async function thawCgroup(placement: CgroupPlacement, signal?: AbortSignal): Promise<void> {
  await setFrozen(placement, false, signal)
}

export async function isCgroupFrozen(placement: CgroupPlacement): Promise<boolean> {
  return freezerOf(placement).isFrozen()
}

interface Freezer {
  write(frozen: boolean): Promise<void>
  isFrozen(): Promise<boolean>
}

/** The unified hierarchy freezes without a controller, and a frozen process there can still be killed: it is preferred. */
function freezerOf(placement: CgroupPlacement): Freezer {
  if (placement.unified !== undefined) return unifiedFreezer(placement.unified)
  const v1 = placement.v1.find(({ controllers }) => controllers.includes('freezer'))
  if (v1 === undefined) throw controllerMissing('freezer', 'pausing a container')
  return v1Freezer(v1.directory)
}

function unifiedFreezer(directory: string): Freezer {
  return {
    write: (frozen) => writeControl(`${directory}/cgroup.freeze`, frozen ? '1' : '0'),
    isFrozen: async () => parseFlatKeyed(await readTrimmed(`${directory}/cgroup.events`)).get('frozen') === 1,
  }
}

function v1Freezer(directory: string): Freezer {
  const file = `${directory}/freezer.state`
  return {
    write: (frozen) => writeControl(file, frozen ? 'FROZEN' : 'THAWED'),
    isFrozen: async () => (await readTrimmed(file)) === 'FROZEN',
  }
}

async function setFrozen(placement: CgroupPlacement, frozen: boolean, signal: AbortSignal | undefined): Promise<void> {
  const freezer = freezerOf(placement)
  const deadline = performance.now() + PATIENCE_MS
  await freezer.write(frozen)
  let wait = FIRST_WAIT_MS
  try {
    while ((await freezer.isFrozen()) !== frozen) {
      if (performance.now() > deadline) throw timeout(frozen)
      await delay(wait, undefined, signal && { signal })
      wait = Math.min(wait * 2, LONGEST_WAIT_MS)
      // Version 1 gives up on a process that was on its way out of the kernel, and wants to be asked again.
      if (frozen && placement.unified === undefined) await freezer.write(true)
    }
  } catch (error) {
    if (frozen) await freezer.write(false)
    throw error
  }
}

function timeout(frozen: boolean): CaissonError {
  const what = frozen ? 'stood still' : 'went on'
  const message = `not every process ${what} within ${PATIENCE_MS / 1000} s; one may be waiting for a disk: try again`
  return new CaissonError('deadline-exceeded', message, { reason: 'CGROUP_FREEZE_TIMEOUT' })
}
