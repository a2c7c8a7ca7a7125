import { invalid } from '../refusal.ts'

const MIN_SHARES = 2
const MAX_SHARES = 262_144
const MAX_WEIGHT = 10_000

/**
 * cpu.shares (2 to 262144, ordinarily 1024) to cpu.weight (1 to 10000, ordinarily 100): the curve through the least, the
 * ordinary and the greatest value that runc uses since 2025.
 */
export function sharesToWeight(shares: number): number {
  if (shares <= MIN_SHARES) return 1
  if (shares >= MAX_SHARES) return MAX_WEIGHT
  const log = Math.log2(shares)
  const exponent = (log * log + 125 * log) / 612 - 7 / 34
  // Rounded up, but not for the sake of the last bit of a floating point number.
  return Math.ceil(10 ** exponent - 1e-9)
}

/** blkio.weight (10 to 1000) to io.weight (1 to 10000), linearly. */
export function blkioWeightToIoWeight(weight: number): number {
  return Math.floor(1 + ((weight - 10) * (MAX_WEIGHT - 1)) / 990)
}

/**
 * What memory.swap.max has to be, given the limit of memory and swap together: their difference. Undefined: leave it.
 * Throws when there is no memory limit to subtract, or it is the larger one.
 */
export function swapToV2(swap: number | undefined, memory: number | undefined): number | 'max' | undefined {
  if (memory === -1 && (swap === undefined || swap === 0)) return 'max'
  if (swap === undefined || swap === 0) return undefined
  if (swap === -1) return 'max'
  if (memory === undefined || memory <= 0) {
    throw invalid('MEMORY_SWAP_INVALID', 'memory.swap', 'a limit of memory and swap needs a memory limit as well')
  }
  checkSwap(swap, memory)
  return swap - memory
}

/** Memory and swap together cannot be less than memory alone. */
export function checkSwap(swap: number, memory: number): void {
  if (swap >= memory) return
  const message = `the limit of memory and swap together (${swap}) is below that of memory (${memory}): raise it`
  throw invalid('MEMORY_SWAP_INVALID', 'memory.swap', message)
}
