import { BPF, type BpfProgram, type Label } from './bpf-program.ts'
import { writeCondition } from './condition.ts'
import { type Outcome, outcomeKey } from './outcome.ts'

/** System call numbers from `start` up to the next range's start share an outcome. */
export interface NumberRange {
  readonly start: number
  readonly outcome: Outcome
  readonly key: string
}

/**
 * Ranges that cover 0 to 2^32 - 1. `beyond` is for every number over `newest`.
 */
export function rangesOf(
  outcomes: ReadonlyMap<number, Outcome>,
  byDefault: Outcome,
  beyond: readonly { readonly start: number; readonly outcome: Outcome }[],
): NumberRange[] {
  const ranges: NumberRange[] = []
  const add = (start: number, outcome: Outcome): void => {
    const key = outcomeKey(outcome)
    if (ranges.at(-1)?.key !== key) ranges.push({ start, outcome, key })
  }
  add(0, byDefault)
  const limit = beyond[0]?.start ?? Number.POSITIVE_INFINITY
  for (const [number, outcome] of [...outcomes].sort(([a], [b]) => a - b)) {
    if (number >= limit) break
    replaceFrom(ranges, number, outcome, add)
    add(number + 1, byDefault)
  }
  for (const { start, outcome } of beyond) replaceFrom(ranges, start, outcome, add)
  return ranges
}

/** Lets a new range begin at `start`, taking the place of one that began there. */
function replaceFrom(
  ranges: NumberRange[],
  start: number,
  outcome: Outcome,
  add: (start: number, outcome: Outcome) => void,
): void {
  if (ranges.at(-1)?.start === start) ranges.pop()
  add(start, outcome)
}

/** Writes a search among the ranges by the accumulator, which holds the number. */
export function writeSearch(to: BpfProgram, ranges: readonly NumberRange[]): Label {
  const written = new Map<string, Label>()
  const leaf = (range: NumberRange): Label => {
    if (range.outcome.cases.length === 0) return to.ret(range.outcome.otherwise)
    const label = written.get(range.key) ?? writeOutcome(to, range.outcome)
    written.set(range.key, label)
    return label
  }
  const search = (from: number, until: number): Label => {
    const [first, second, third] = ranges.slice(from, until)
    if (first === undefined) throw new Error('a search needs at least one range')
    if (second === undefined) return leaf(first)
    const isHole = until - from === 3 && third?.key === first.key && third.start === second.start + 1
    if (isHole) {
      const outer = leaf(first)
      return to.branch(BPF.JEQ, second.start, leaf(second), outer)
    }
    const middle = splitAt(from, until)
    const right = search(middle, until)
    const left = search(from, middle)
    return to.branch(BPF.JGE, ranges[middle]?.start ?? 0, right, left)
  }
  return search(0, ranges.length)
}

/** The middle, moved so that the left part has an odd number of ranges: parts of three may be a hole in one range. */
function splitAt(from: number, until: number): number {
  const half = (until - from) >> 1
  return from + (half > 1 && half % 2 === 0 ? half + 1 : half)
}

function writeOutcome(to: BpfProgram, outcome: Outcome): Label {
  let next = to.ret(outcome.otherwise)
  for (const { conditions, value } of outcome.cases.toReversed()) {
    const otherwise = next
    let label = to.ret(value)
    for (const condition of conditions.toReversed()) label = writeCondition(to, condition, label, otherwise)
    next = label
  }
  return next
}
