import type { Exit, ProcessFacts } from '../container/container.ts'
import type { ProcessSpec } from '../container/spec.ts'

/** What an exec runs, as the domain trusts it. `process.cmd` is the whole command. */
export interface ExecSpec {
  readonly process: ProcessSpec
  /** All capabilities of the container's user namespace. */
  readonly privileged: boolean
  /** Kill it when the client that is attached goes away. */
  readonly endWithClient: boolean
}

/** A further process in a container. Times are nanoseconds by the host's clock. */
export interface Exec {
  /** 64 hexadecimal digits. */
  readonly id: string
  readonly containerId: string
  readonly spec: ExecSpec
  readonly state: 'created' | 'running' | 'exited'
  /** Started by a client that is connected to it. */
  readonly isAttached: boolean
  readonly createdNs: bigint
  /** 0: not started. */
  readonly startedNs: bigint
  /** While it runs. */
  readonly process?: ProcessFacts
  /** How it ended, or why it could not run. */
  readonly exit?: Exit
}
