import { invalid } from '../refusal.ts'

/** A seccomp profile that cannot be read or compiled; `at` is the place in it. */
export function profileError(at: string, problem: string): Error {
  return invalid('SECCOMP_PROFILE_INVALID', at, `the seccomp profile's ${at} ${problem}`)
}
