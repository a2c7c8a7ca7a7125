import type { Container } from '../container/container.ts'
import type { TerminalSize } from '../container/spec.ts'
import type { MonitorClient } from '../monitor/client.ts'
import type { Exec } from './exec.ts'

export interface ExecLaunch {
  /** It runs: `container.process` is set. */
  readonly container: Container
  readonly exec: Exec
  readonly stateDir: string
  /** A client is connected: its output is kept until it was sent, and its input is open if the spec says so. */
  readonly isAttached: boolean
  /** Undefined: the spec's. */
  readonly terminalSize: TerminalSize | undefined
}

/** Starts the monitors of execs and reaches those that run. */
export interface ExecMonitors {
  /** Spawns a monitor on the plan of an exec. Returns at once. Throws when the plan cannot be made. */
  launch(request: ExecLaunch): MonitorClient
  /** Connects to the monitor of a state directory. MONITOR_GONE when there is none any more. */
  connect(stateDir: string): Promise<MonitorClient>
}
