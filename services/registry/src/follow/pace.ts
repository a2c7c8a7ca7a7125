/** How long one waits between attempts. */
export interface Pace {
  /** Milliseconds before the second attempt; twice as many before each further one, of which half is random. */
  readonly firstMs: number
  readonly mostMs: number
}

export const DEFAULT_PACE: Pace = { firstMs: 1_000, mostMs: 300_000 }

/** Milliseconds to wait after so many failures, at least 1. */
export function delayAfter(failures: number, { firstMs, mostMs }: Pace): number {
  const full = Math.min(firstMs * 2 ** Math.min(failures - 1, 30), mostMs)
  return Math.ceil(full * (0.5 + Math.random() / 2))
}
