import type { LinuxConfig, RuntimeProcess } from '@caisson/oci'
import { mergeEnvironment } from '@caisson/oci'
import { type CgroupHost, placeContainer } from '../cgroup/index.ts'
import type { Container } from '../container/container.ts'
import { capabilitiesOf, DEFAULT_OOM_SCORE_ADJ, namespacesOf, rlimitsOf } from '../container/runtime-spec.ts'
import { notRunning } from '../container/supervisor.ts'
import type { ExecLaunch, ExecMonitors } from '../exec/ports.ts'
import { CAPABILITY_NAMES, capabilitySets, encodePlan, execRecords, withDefaultRlimits } from '../launch/index.ts'
import { connectMonitor } from '../monitor/client.ts'
import { SeccompFilters, type SpawnMonitor } from './launcher.ts'

/** What is kept of an exec's output until its client has it. */
const LOG = { segmentBytes: 1 << 20, segments: 4, isHeld: true } as const

/** Launches the monitors of execs on this host. */
export function execLauncher(cgroups: CgroupHost, spawn: SpawnMonitor): ExecMonitors {
  const filters = new SeccompFilters()
  return {
    launch(request) {
      const { container, exec, stateDir, isAttached } = request
      const { spec } = container
      const target = targetOf(container)
      const seccomp = filters.of(spec)
      const records = execRecords(processOf(request), {
        target,
        placement: placeContainer(cgroups, container.id),
        user: exec.spec.process.user || container.program.user,
        groups: exec.spec.process.groups,
        refusesRoot: spec.security.runAsNonRoot,
        ...(seccomp && { seccomp }),
        stdin: isAttached && exec.spec.process.stdin ? 'once' : 'closed',
        ...(isAttached && { log: LOG }),
        clampsRlimits: true,
        isVolatile: true,
      })
      return spawn(encodePlan(records), stateDir, false)
    },
    connect: (stateDir) => connectMonitor(stateDir),
  }
}

function targetOf(container: Container) {
  if (!container.process) throw notRunning(container)
  const { pid, startTime } = container.process
  const namespaces: LinuxConfig['namespaces'] = namespacesOf(container)
  return { pid, startTime, namespaces }
}

function processOf({ container, exec, terminalSize }: ExecLaunch): RuntimeProcess {
  const { spec, program } = container
  const { process, privileged } = exec.spec
  const size = terminalSize ?? process.terminalSize
  const terminal = process.tty ? ['TERM=xterm'] : []
  const umask = process.umask ?? spec.process.umask
  return {
    terminal: process.tty,
    ...(process.tty && size && { consoleSize: { height: size.rows, width: size.columns } }),
    args: process.cmd ?? [],
    env: mergeEnvironment(terminal, program.env, process.env),
    cwd: process.workingDir || program.workingDir,
    ...(umask !== undefined && { user: { umask } }),
    capabilities: capabilitySets(privileged ? CAPABILITY_NAMES : capabilitiesOf(spec.security)),
    rlimits: withDefaultRlimits(rlimitsOf([...spec.process.rlimits, ...process.rlimits])),
    noNewPrivileges: spec.security.noNewPrivileges,
    oomScoreAdj: spec.resources.oomScoreAdj ?? DEFAULT_OOM_SCORE_ADJ,
  }
}
