import { roughDuration } from './units.ts'

/** How long ago a time was, in rough words; a dash when there is none. */
export function ageOf(
  time: { readonly seconds: number; readonly nanos: number } | undefined,
  nowMs = Date.now(),
): string {
  return time ? roughDuration(nowMs - time.seconds * 1_000 - time.nanos / 1e6) : '-'
}
