/** Figures of many runs, all in the same unit. */
export interface Figures {
  readonly name: string
  readonly min: number
  readonly p50: number
  readonly p90: number
  readonly runs: number
}

export function figures(name: string, values: readonly number[]): Figures {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { name, min: at(0), p50: at(0.5), p90: at(0.9), runs: sorted.length }
}

/** Prints figures as a table, with the ratio of each median to that of `base`. */
export function printFigures(rows: readonly Figures[], base: Figures | undefined): void {
  const width = Math.max(...rows.map(({ name }) => name.length))
  console.log(
    `${'what'.padEnd(width)}  ${'min'.padStart(8)}  ${'median'.padStart(8)}  ${'p90'.padStart(8)}  ratio of medians`,
  )
  for (const { name, min, p50, p90 } of rows) {
    const ratio = base ? (p50 / base.p50).toFixed(2) : '-'
    console.log(
      `${name.padEnd(width)}  ${min.toFixed(2).padStart(8)}  ${p50.toFixed(2).padStart(8)}  ${p90.toFixed(2).padStart(8)}  ${ratio}`,
    )
  }
}
