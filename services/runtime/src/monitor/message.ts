import { decodeExitRecord, type ExitRecord } from './exit-record.ts'
import { encodeFrame, type Frame, FrameError } from './frame.ts'

/** Numbers of enum control_type (native/src/control.h). */
export const ControlType = {
  HELLO: 1,
  CREATED: 2,
  STARTED: 3,
  FAILED: 4,
  LOG: 5,
  EXITED: 6,
  OOM: 7,
  START: 64,
  SIGNAL: 65,
  RESIZE: 66,
  SUBSCRIBE: 67,
  ACK: 68,
  STDIN: 69,
  STDIN_CLOSE: 70,
  LET_GO: 71,
} as const

/** The version of the protocol that is spoken here. */
export const CONTROL_VERSION = 1

/** Where the monitor is: enum monitor_state. */
export type MonitorState = 'starting' | 'created' | 'running' | 'exited'

const STATES: Readonly<Record<number, MonitorState>> = { 1: 'starting', 2: 'created', 3: 'running', 4: 'exited' }

/** Where a launch failed: enum launch_step. */
export const LaunchStep = {
  PLAN: 1,
  STATE: 2,
  CGROUP: 3,
  NAMESPACE: 4,
  ROOT: 5,
  MOUNT: 6,
  UNSAFE: 7,
  DEVICE: 8,
  SYSCTL: 9,
  USER: 10,
  CWD: 11,
  RLIMIT: 12,
  CAPABILITY: 13,
  SECCOMP: 14,
  STDIO: 15,
  EXEC: 16,
  TARGET: 17,
  INTERNAL: 18,
} as const
export type LaunchStep = (typeof LaunchStep)[keyof typeof LaunchStep]

/** What a connection begins with: where the container is now. */
export interface MonitorHello {
  readonly type: 'hello'
  readonly version: number
  readonly state: MonitorState
  /** In the host's pid namespace. 0: none yet. */
  readonly pid: number
  /** Field 22 of /proc/pid/stat. */
  readonly startTime: bigint
  /** Nanoseconds by the host's clock. 0: not started. */
  readonly startedNs: bigint
  readonly logSegment: number
  readonly logBytes: number
}

/** The launch failed: the monitor ends and leaves nothing behind. */
export interface MonitorFailed {
  readonly type: 'failed'
  /** One of LaunchStep. */
  readonly step: number
  readonly errno: number
  readonly message: string
}

/** What a monitor says. `closed` is made here: it is the last event of every connection. */
export type MonitorEvent =
  | MonitorHello
  | { readonly type: 'created'; readonly pid: number; readonly startTime: bigint }
  | { readonly type: 'started'; readonly pid: number; readonly startTime: bigint; readonly startedNs: bigint }
  | MonitorFailed
  /** The log has grown (subscribers only): its last segment and the bytes in it. */
  | { readonly type: 'log'; readonly segment: number; readonly bytes: number }
  | { readonly type: 'exited'; readonly record: ExitRecord }
  | { readonly type: 'oom'; readonly kills: number }
  /** The connection is over; `error` when it broke. */
  | { readonly type: 'closed'; readonly error?: Error }

/** Reads a frame. Undefined for a type that is not known: it is skipped. Throws FrameError when it breaks its shape. */
export function decodeMessage({ type, payload }: Frame): MonitorEvent | undefined {
  switch (type) {
    case ControlType.HELLO:
      return hello(sized(payload, 48))
    case ControlType.CREATED:
      sized(payload, 16)
      return { type: 'created', pid: payload.readInt32LE(0), startTime: payload.readBigUInt64LE(8) }
    case ControlType.STARTED:
      sized(payload, 24)
      return {
        type: 'started',
        pid: payload.readInt32LE(0),
        startTime: payload.readBigUInt64LE(8),
        startedNs: payload.readBigUInt64LE(16),
      }
    case ControlType.FAILED:
      return failed(payload)
    case ControlType.LOG:
      sized(payload, 16)
      return { type: 'log', segment: payload.readUInt32LE(0), bytes: Number(payload.readBigUInt64LE(8)) }
    case ControlType.EXITED:
      return exited(payload)
    case ControlType.OOM:
      return { type: 'oom', kills: Number(sized(payload, 8).readBigUInt64LE(0)) }
    default:
      return undefined
  }
}

function sized(payload: Buffer, bytes: number): Buffer {
  if (payload.length !== bytes) throw new FrameError(`a payload has ${payload.length} bytes instead of ${bytes}`)
  return payload
}

function hello(payload: Buffer): MonitorHello {
  const state = STATES[payload.readUInt32LE(4)]
  if (state === undefined) throw new FrameError('the monitor is in a state that is not known')
  return {
    type: 'hello',
    version: payload.readUInt32LE(0),
    state,
    pid: payload.readInt32LE(8),
    startTime: payload.readBigUInt64LE(16),
    startedNs: payload.readBigUInt64LE(24),
    logSegment: payload.readUInt32LE(32),
    logBytes: Number(payload.readBigUInt64LE(40)),
  }
}

function failed(payload: Buffer): MonitorFailed {
  const end = payload.indexOf(0, 8)
  if (payload.length < 9 || end !== payload.length - 1) throw new FrameError('a failure is not told as it should be')
  return {
    type: 'failed',
    step: payload.readUInt32LE(0),
    errno: payload.readInt32LE(4),
    message: payload.toString('utf8', 8, end),
  }
}

function exited(payload: Buffer): MonitorEvent {
  const record = decodeExitRecord(payload)
  if (record === undefined || record === 'damaged') throw new FrameError('an exit record is damaged')
  return { type: 'exited', record }
}

/** What is said to a monitor, as frames. */
export const commands = {
  start: (): Buffer => encodeFrame(ControlType.START),
  signal: (signal: number, everyProcess: boolean): Buffer =>
    encodeFrame(ControlType.SIGNAL, words(signal, everyProcess ? 1 : 0)),
  resize: (rows: number, columns: number): Buffer => {
    const payload = Buffer.alloc(4)
    payload.writeUInt16LE(rows, 0)
    payload.writeUInt16LE(columns, 2)
    return encodeFrame(ControlType.RESIZE, payload)
  },
  subscribe: (pin: boolean): Buffer => encodeFrame(ControlType.SUBSCRIBE, words(pin ? 1 : 0)),
  ack: (segment: number): Buffer => encodeFrame(ControlType.ACK, words(segment)),
  stdin: (bytes: Uint8Array): Buffer => encodeFrame(ControlType.STDIN, bytes),
  stdinClose: (): Buffer => encodeFrame(ControlType.STDIN_CLOSE),
  letGo: (): Buffer => encodeFrame(ControlType.LET_GO),
} as const

function words(...values: number[]): Buffer {
  const payload = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) payload.writeUInt32LE(value, index * 4)
  return payload
}
