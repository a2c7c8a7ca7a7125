import type { LinuxMemory } from '@caisson/oci'
import { checkSwap, swapToV2 } from './conversions.ts'
import type { ControllerHome } from './placement.ts'
import { asked, type CgroupWrite, WriteList } from './writes.ts'

const noLimit = (value: number | undefined): number | 'max' | undefined => (value === -1 ? 'max' : asked(value))

/**
 * Memory limits. `current` is what holds now, for a live update: version 1 refuses a memory limit over that of memory and
 * swap together at every moment, so a higher pair is written swap first.
 */
export function memoryWrites(
  home: ControllerHome,
  memory: LinuxMemory,
  hasSwapLimit: boolean,
  current?: { readonly memoryAndSwap?: number },
): CgroupWrite[] {
  return home.version === 1
    ? memoryWritesV1(home, memory, hasSwapLimit, current?.memoryAndSwap)
    : memoryWritesV2(home, memory, hasSwapLimit)
}

function memoryWritesV1(
  home: ControllerHome,
  memory: LinuxMemory,
  hasSwapLimit: boolean,
  currentSwap: number | undefined,
): CgroupWrite[] {
  const limit = asked(memory.limit)
  const swap = memory.limit === -1 && asked(memory.swap) === undefined ? -1 : asked(memory.swap)
  if (limit !== undefined && limit > 0 && swap !== undefined && swap > 0) checkSwap(swap, limit)
  const to = new WriteList(home)
  const grows = currentSwap !== undefined && limit !== undefined && (limit === -1 || limit > currentSwap)
  const setSwap = () => {
    if (hasSwapLimit) to.set('memory.memsw.limit_in_bytes', swap)
  }
  if (grows) setSwap()
  to.set('memory.limit_in_bytes', limit)
  if (!grows) setSwap()
  return to
    .set('memory.soft_limit_in_bytes', asked(memory.reservation))
    .try('memory.kmem.tcp.limit_in_bytes', asked(memory.kernelTCP))
    .set('memory.swappiness', memory.swappiness)
    .set('memory.oom_control', memory.disableOOMKiller === true ? 1 : undefined).writes
}

function memoryWritesV2(home: ControllerHome, memory: LinuxMemory, hasSwapLimit: boolean): CgroupWrite[] {
  const swap = swapToV2(memory.swap, memory.limit)
  return new WriteList(home)
    .set('memory.swap.max', hasSwapLimit ? swap : undefined)
    .set('memory.max', noLimit(memory.limit))
    .set('memory.low', noLimit(memory.reservation)).writes
}
