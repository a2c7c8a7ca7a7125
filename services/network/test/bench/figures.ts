/** What the benches of this service share: medians and ratios. */

const sorted = (values: readonly number[]): number[] => values.toSorted((one, other) => one - other)

export const median = (values: readonly number[]): number => sorted(values)[values.length >> 1] ?? Number.NaN

/** Milliseconds that the work takes. */
export async function milliseconds(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

export function row(title: string, values: readonly number[], unit = 'ms'): string {
  const all = sorted(values)
  const at = (part: number): string => (all[Math.floor((all.length - 1) * part)] ?? Number.NaN).toFixed(2).padStart(9)
  return `${title.padEnd(52)} min ${at(0)}  median ${at(0.5)}  p90 ${at(0.9)} ${unit}`
}

/** Says whether a figure is within its bound. */
export const verdict = (title: string, value: number, most: number, unit: string): string =>
  `${title}: ${value.toFixed(2)}${unit} (wanted: at most ${most}${unit}): ${value <= most ? 'met' : 'NOT MET'}`
