import { parseSignal } from '@caisson/oci'

/** Number of a signal by its name (TERM, SIGTERM, RTMIN+1) or number. SIGNAL_INVALID. */
export function signalNumber(text: string): number {
  return parseSignal(text.trim())
}
