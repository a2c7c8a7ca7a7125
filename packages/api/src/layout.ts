import { join } from 'node:path'

/** Where an engine keeps its things. */
export interface Layout {
  /** The root that was asked for; empty for the usual system places. */
  readonly root: string
  /** Configuration: <service>.json. */
  readonly configDir: string
  /** State that survives a reboot: one folder a service. */
  readonly stateDir: string
  /** Sockets and pins of namespaces. */
  readonly runDir: string
  /** Logs of the services. */
  readonly logDir: string
}

/** The places of an engine: below `root`, or with an empty root the usual system places. `root` must be absolute. */
export function layoutOf(root: string): Layout {
  if (root === '')
    return {
      root,
      configDir: '/etc/caisson',
      stateDir: '/var/lib/caisson',
      runDir: '/run/caisson',
      logDir: '/var/log/caisson',
    }
  return { root, configDir: join(root, 'etc'), stateDir: root, runDir: join(root, 'run'), logDir: join(root, 'log') }
}
