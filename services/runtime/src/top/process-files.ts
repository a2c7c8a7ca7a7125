/** Nanoseconds of a clock tick: USER_HZ is 100 on every architecture that we run on. */
const TICK_NS = 10_000_000n

/** The fields of /proc/pid/stat that are of use. */
export interface ProcessStat {
  /** Name of the program, at most 15 bytes, chosen by the process. */
  readonly name: string
  /** R, S, D, Z, T and so on. */
  readonly state: string
  readonly ppid: number
  /** Device number of its terminal; 0: none. */
  readonly ttyNumber: number
  readonly cpuNs: bigint
  /** Nanoseconds after the host's start. */
  readonly startedAfterBootNs: bigint
  /** Pages it has resident. */
  readonly residentPages: number
}

/** Reads /proc/pid/stat. The name stands in brackets and may hold brackets and blanks itself. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  const fields = text.slice(close + 2).split(' ')
  if (open < 0 || close < open || fields.length < 22) return undefined
  // Field 3 of proc_pid_stat(5) is the first behind the bracket.
  const field = (number: number): string => fields[number - 3] ?? '0'
  return {
    name: text.slice(open + 1, close),
    state: field(3),
    ppid: Number(field(4)),
    ttyNumber: Number(field(7)),
    cpuNs: (BigInt(field(14)) + BigInt(field(15))) * TICK_NS,
    startedAfterBootNs: BigInt(field(22)) * TICK_NS,
    residentPages: Number(field(24)),
  }
}

/** The lines of /proc/pid/status that are of use. */
export interface ProcessStatus {
  /** Effective user id, on the host. */
  readonly uid: number
  /** Its pid in each pid namespace, from the reader's inwards. */
  readonly pids: readonly number[]
}

export function parseProcessStatus(text: string): ProcessStatus | undefined {
  const line = (name: string): string[] | undefined =>
    new RegExp(`^${name}:\\s+(.+)$`, 'm').exec(text)?.[1]?.trim().split(/\s+/)
  const uid = line('Uid')?.[1]
  const pids = line('NSpid')?.map(Number)
  return uid === undefined || pids === undefined ? undefined : { uid: Number(uid), pids }
}

const PTY_MAJOR = { first: 136, last: 143 }
const CONSOLE_MAJOR = 4

/** A terminal as ps shows it: pts/0, tty1; ? for none. */
export function terminalName(number: number): string {
  if (number === 0) return '?'
  const major = (number >> 8) & 0xfff
  const minor = (number & 0xff) | ((number >> 12) & 0xfff00)
  if (major >= PTY_MAJOR.first && major <= PTY_MAJOR.last) return `pts/${(major - PTY_MAJOR.first) * 256 + minor}`
  return major === CONSOLE_MAJOR ? `tty${minor}` : `${major}:${minor}`
}

/** The words of /proc/pid/cmdline, or the name in brackets when there are none. */
export function commandLine(cmdline: string, name: string): string {
  const words = cmdline.replace(/\0+$/, '').replaceAll('\0', ' ')
  return words === '' ? `[${name}]` : words
}
