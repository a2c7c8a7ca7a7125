import type { RuntimeProcess } from '@caisson/oci'
import { invalid } from '../refusal.ts'
import type { SeccompFilter } from '../seccomp/compile.ts'
import { capabilitiesRecord } from './capabilities.ts'
import type { PlanRecord } from './plan.ts'
import { CWD_FLAG, LAUNCH_FLAG, LOG_FLAG, STDIO_FLAG, USER_FLAG } from './plan-format.ts'
import { rlimitRecords } from './rlimits.ts'

/** What the engine adds to the runtime spec's process, for containers and execs alike. */
export interface LogSettings {
  readonly segmentBytes: number
  readonly segments: number
  /** Nothing is dropped before somebody follows it, or the monitor is told that nobody will. */
  readonly isHeld?: boolean
}

export interface ProcessSettings {
  /** "name|uid[:group|gid]", looked up in the container. Absent: the numbers of process.user. */
  readonly user?: string
  /** Supplementary groups by name or number, beside process.user.additionalGids. */
  readonly groups?: readonly string[]
  /** Refuses to run as root, whatever the name turns out to be. */
  readonly refusesRoot?: boolean
  /** Makes the working directory when it is missing. */
  readonly makesWorkingDir?: boolean
  readonly seccomp?: SeccompFilter
  readonly stdin?: 'closed' | 'open' | 'once'
  /** Absent: output is dropped. */
  readonly log?: LogSettings
  /** Lowers hard limits to what the service itself may give, rather than fail. */
  readonly clampsRlimits?: boolean
  /** The exit record need not survive a power cut. */
  readonly isVolatile?: boolean
}

/** A string longer than this the kernel refuses to hand to a program (MAX_ARG_STRLEN). */
const MAX_STRING = 131_071
const MAX_STRINGS = 32_768

/** LAUNCH_FLAG bits that follow from the process. */
export function processFlags(process: RuntimeProcess, settings: ProcessSettings): number {
  const noNewPrivs = process.noNewPrivileges === true ? LAUNCH_FLAG.noNewPrivs : 0
  const clamp = settings.clampsRlimits === true ? LAUNCH_FLAG.clampRlimits : 0
  return noNewPrivs | clamp | (settings.isVolatile === true ? LAUNCH_FLAG.volatile : 0)
}

export function processRecords(process: RuntimeProcess, settings: ProcessSettings): PlanRecord[] {
  refuseUnsupported(process)
  const records: PlanRecord[] = []
  for (const value of strings('args', process.args ?? [])) records.push({ type: 'argv', value })
  if (records.length === 0) throw refused('args', 'there is no command: name one, or take an image that has one')
  for (const value of strings('env', process.env ?? [])) records.push({ type: 'env', value: checkVariable(value) })
  records.push(cwdRecord(process.cwd, settings))
  records.push(...userRecords(process, settings))
  records.push(...rlimitRecords(process.rlimits ?? []))
  records.push(capabilitiesRecord(process.capabilities ?? {}))
  const { seccomp, log } = settings
  if (seccomp !== undefined) records.push({ type: 'seccomp', flags: seccomp.flags, program: seccomp.program })
  if (process.oomScoreAdj !== undefined) records.push(oomRecord(process.oomScoreAdj))
  records.push(stdioRecord(process, settings))
  if (log !== undefined) records.push(logRecord(log))
  return records
}

function logRecord({ segmentBytes, segments, isHeld }: LogSettings): PlanRecord {
  return { type: 'log', segmentBytes, segments, flags: isHeld === true ? LOG_FLAG.held : 0 }
}

function strings(name: string, values: readonly string[]): readonly string[] {
  if (values.length > MAX_STRINGS) throw refused(name, `${values.length} strings are too many: at most ${MAX_STRINGS}`)
  for (const value of values) {
    if (value.includes('\0')) throw refused(name, 'a string holds a NUL byte')
    if (Buffer.byteLength(value) > MAX_STRING) throw refused(name, `a string has more than ${MAX_STRING} bytes`)
  }
  return values
}

function checkVariable(value: string): string {
  if (value.indexOf('=') > 0) return value
  throw refused('env', `${JSON.stringify(value.slice(0, 40))} is not of the form NAME=value`)
}

function cwdRecord(path: string, settings: ProcessSettings): PlanRecord {
  if (!path.startsWith('/') || path.includes('\0') || Buffer.byteLength(path) > 4095) {
    throw refused('cwd', `the working directory ${JSON.stringify(path.slice(0, 80))} is not an absolute path`)
  }
  return { type: 'cwd', flags: settings.makesWorkingDir === true ? CWD_FLAG.make : 0, path }
}

function userRecords(process: RuntimeProcess, settings: ProcessSettings): PlanRecord[] {
  const { uid = 0, gid = 0, umask, additionalGids = [] } = process.user ?? {}
  const name = settings.user ?? `${checkId('uid', uid)}:${checkId('gid', gid)}`
  const flags = USER_FLAG.setHome | (settings.refusesRoot === true ? USER_FLAG.refuseRoot : 0)
  const groups = [...additionalGids.map((id) => String(checkId('gid', id))), ...(settings.groups ?? [])]
  const records: PlanRecord[] = [{ type: 'user', flags, name }]
  for (const group of groups) records.push({ type: 'group', name: group })
  if (umask !== undefined) {
    if (!Number.isInteger(umask) || umask < 0 || umask > 0o777) throw refused('umask', `it cannot be ${umask}`)
    records.push({ type: 'umask', mask: umask })
  }
  return records
}

/** -1 as an id has a meaning of its own for the kernel, so the largest is one less. */
function checkId(name: string, id: number): number {
  if (Number.isInteger(id) && id >= 0 && id < 0xffff_ffff) return id
  throw refused(name, `${id} is out of range`)
}

function oomRecord(value: number): PlanRecord {
  if (!Number.isInteger(value) || value < -1000 || value > 1000) {
    throw refused('oomScoreAdj', `${value} is not a whole number from -1000 to 1000`)
  }
  return { type: 'oomScoreAdj', value }
}

function stdioRecord(process: RuntimeProcess, settings: ProcessSettings): PlanRecord {
  const isTty = process.terminal === true
  const { height = 0, width = 0 } = (isTty ? process.consoleSize : undefined) ?? {}
  const stdin = settings.stdin ?? 'closed'
  const flags =
    (isTty ? STDIO_FLAG.tty : 0) |
    (stdin === 'closed' ? 0 : STDIO_FLAG.stdin) |
    (stdin === 'once' ? STDIO_FLAG.stdinOnce : 0)
  const side = (value: number): number => Math.min(Math.max(0, Math.trunc(value)), 0xffff)
  return { type: 'stdio', flags, rows: side(height), columns: side(width) }
}

function refuseUnsupported(process: RuntimeProcess): void {
  const unsupported = ['apparmorProfile', 'selinuxLabel', 'scheduler', 'ioPriority', 'execCPUAffinity'] as const
  for (const name of unsupported) {
    if (process[name]) throw refused(name, 'this version cannot apply it: leave it out')
  }
}

function refused(subject: string, why: string): Error {
  return invalid('PROCESS_INVALID', subject, `the process's ${subject} cannot be used: ${why}`)
}
