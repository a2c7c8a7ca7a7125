import { OciFormatError, shown } from './format-error.ts'

/** Linux signals by number, from 1 on: signal(7), x86-64 and aarch64. */
const NAMES: readonly string[] = [
  ...['HUP', 'INT', 'QUIT', 'ILL', 'TRAP', 'ABRT', 'BUS', 'FPE', 'KILL', 'USR1', 'SEGV', 'USR2', 'PIPE', 'ALRM'],
  ...['TERM', 'STKFLT', 'CHLD', 'CONT', 'STOP', 'TSTP', 'TTIN', 'TTOU', 'URG', 'XCPU', 'XFSZ', 'VTALRM', 'PROF'],
  ...['WINCH', 'IO', 'PWR', 'SYS'],
]

const RTMIN = 34
const RTMAX = 64

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...NAMES.map((name, n) => [name, n + 1] as const),
  ['IOT', 6],
  ['CLD', 17],
  ['POLL', 29],
  ['UNUSED', 31],
  ['RTMIN', RTMIN],
  ['RTMAX', RTMAX],
])

/** Reads "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3" or "RTMAX-1". Throws SIGNAL_INVALID. */
export function parseSignal(text: string): number {
  const name = text.toUpperCase().replace(/^SIG/, '')
  const number = /^\d{1,2}$/.test(text) ? Number(text) : (NUMBERS.get(name) ?? realTime(name))
  if (number !== undefined && number >= 1 && number <= RTMAX) return number
  const message = `${shown(text)} is no signal: expected a name such as SIGTERM or a number from 1 to ${RTMAX}`
  throw new OciFormatError('SIGNAL_INVALID', shown(text), message)
}

/** "SIGTERM", "SIGRTMIN+3"; of a number from 1 to 64. */
export function signalName(number: number): string {
  const name = NAMES[number - 1]
  if (name !== undefined) return `SIG${name}`
  if (number === RTMIN) return 'SIGRTMIN'
  if (number === RTMAX) return 'SIGRTMAX'
  if (number > RTMIN && number < RTMAX) return `SIGRTMIN+${number - RTMIN}`
  return `SIG${number}`
}

function realTime(name: string): number | undefined {
  const [, base, sign, digits] = /^(RTMIN|RTMAX)([+-])(\d{1,2})$/.exec(name) ?? []
  if (base === undefined || (base === 'RTMIN') !== (sign === '+')) return undefined
  const number = base === 'RTMIN' ? RTMIN + Number(digits) : RTMAX - Number(digits)
  return number >= RTMIN && number <= RTMAX ? number : undefined
}
