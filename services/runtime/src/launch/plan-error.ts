import { invalid } from '../refusal.ts'

/** A record that cannot be written into a launch plan. */
export function planError(record: string, problem: string): Error {
  return invalid('LAUNCH_PLAN_INVALID', record, `the launch plan's ${record} ${problem}`)
}
