import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { arch, release } from 'node:os'
import { join } from 'node:path'
import { failedPrecondition, invalid } from '@caisson/api'
import { type CgroupHost, placeContainer } from '../cgroup/index.ts'
import type { Container } from '../container/container.ts'
import { capabilitiesOf, type HostFacts, runtimeSpecOf } from '../container/runtime-spec.ts'
import type { BindSpec, ContainerSpec } from '../container/spec.ts'
import { HOST_FILES } from '../container/state-dirs.ts'
import { encodePlan, type LaunchSettings, launchRecords } from '../launch/index.ts'
import { connectMonitor, type MonitorClient } from '../monitor/client.ts'
import type { LaunchRequest, Monitors } from '../ports.ts'
import type { SeccompArchitecture } from '../seccomp/architecture.ts'
import type { SeccompFilter } from '../seccomp/compile.ts'
import { DEFAULT_SECCOMP_PROFILE } from '../seccomp/default-profile.ts'
import { SeccompFilterCache } from '../seccomp/filter-cache.ts'
import { parseKernelVersion, parseSeccompProfile, type SeccompProfile } from '../seccomp/profile.ts'

/** Spawns a monitor on a plan. Returns its first control connection. */
export type SpawnMonitor = (plan: Uint8Array, stateDir: string, hasInit: boolean) => MonitorClient

export interface LauncherDeps {
  readonly cgroups: CgroupHost
  readonly facts: HostFacts
  readonly spawn: SpawnMonitor
  /** The layer below all others: makeSkeleton. */
  readonly skeleton: string
}

/**
 * Makes the lowest layer of every root: the places that something is mounted at in every container. Without it they would
 * be made in the container's own layer each time, and stay there as changes.
 */
export function makeSkeleton(directory: string): string {
  for (const name of ['dev', 'etc', 'proc', 'sys']) mkdirSync(join(directory, name), { recursive: true, mode: 0o755 })
  for (const name of HOST_FILES) writeFileSync(join(directory, 'etc', name), '', { mode: 0o644 })
  chmodSync(directory, 0o755)
  return directory
}

/** Launches monitors on this host. */
export function monitorLauncher({ cgroups, facts, spawn, skeleton }: LauncherDeps): Monitors {
  const filters = new SeccompFilters()
  return {
    launch({ container, stateDir, terminalSize, waits, holdsOutput }: LaunchRequest) {
      const spec = runtimeSpecOf(container, stateDir, facts, terminalSize)
      const records = launchRecords(spec, {
        ...settingsOf(container, stateDir, holdsOutput, { cgroups, filters, skeleton }),
        hasBarrier: waits,
      })
      return spawn(encodePlan(records), stateDir, container.spec.init)
    },
    connect: (stateDir) => connectMonitor(stateDir),
  }
}

interface Surroundings {
  readonly cgroups: CgroupHost
  readonly filters: SeccompFilters
  readonly skeleton: string
}

function settingsOf(
  container: Container,
  stateDir: string,
  holdsOutput: boolean,
  { cgroups, filters, skeleton }: Surroundings,
): LaunchSettings {
  const { id, spec, root, program } = container
  const { process, security, log } = spec
  const seccomp = filters.of(spec)
  return {
    root: {
      kind: 'overlay',
      lowerDirs: [...root.lowerDirs, skeleton],
      upperDir: root.upperDir,
      workDir: root.workDir,
      options: [...root.options, ...(isThrownAway(container) ? ['volatile'] : [])].join(','),
      allowsDevices: security.privileged,
    },
    cgroup: { host: cgroups, placement: placeContainer(cgroups, id) },
    fileSources: fileSources(spec, stateDir),
    hasInit: spec.init,
    user: program.user,
    groups: process.groups,
    refusesRoot: security.runAsNonRoot,
    makesWorkingDir: true,
    ...(seccomp && { seccomp }),
    stdin: process.stdin ? (process.stdinOnce ? 'once' : 'open') : 'closed',
    ...(log && { log: { segmentBytes: log.maxSegmentBytes, segments: log.maxSegments, isHeld: holdsOutput } }),
    clampsRlimits: true,
    isVolatile: spec.autoRemove,
  }
}

/** Nothing of its root is looked at when it has ended: nothing has to be on disk. */
function isThrownAway({ spec, root }: Container): boolean {
  return spec.autoRemove && root.upperDir !== ''
}

/** Sources of binds that are no directories. A source that is missing is made, if the spec says so. */
function fileSources(spec: ContainerSpec, stateDir: string): ReadonlySet<string> {
  const files = new Set(HOST_FILES.map((name) => `${stateDir}/${name}`))
  for (const mount of spec.mounts) if (mount.kind === 'bind' && !isDirectory(mount)) files.add(mount.source)
  return files
}

function isDirectory({ source, createSource }: BindSpec): boolean {
  const stat = statSync(source, { throwIfNoEntry: false })
  if (stat) return stat.isDirectory()
  if (!createSource)
    throw failedPrecondition('MOUNT_SOURCE_MISSING', `there is no ${source} on this host: make it, or ask for it`, {
      details: { path: source },
    })
  mkdirSync(source, { recursive: true, mode: 0o755 })
  return true
}

const ARCHITECTURES: Readonly<Record<string, SeccompArchitecture>> = {
  x64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
}

/** Compiled filters; each is compiled once. */
export class SeccompFilters {
  readonly #cache = new SeccompFilterCache()
  readonly #architecture = ARCHITECTURES[arch()]
  readonly #kernel = parseKernelVersion(release()) ?? [0, 0]

  /** Undefined: no filter. */
  of({ security }: Pick<ContainerSpec, 'security'>): SeccompFilter | undefined {
    const { seccompProfile, privileged } = security
    if (seccompProfile === 'unconfined' || (privileged && seccompProfile === '')) return undefined
    const architecture = this.#architecture
    if (!architecture)
      throw failedPrecondition(
        'SECCOMP_UNSUPPORTED',
        `there is no system call filter for ${arch()}: ask for unconfined`,
      )
    const profile = seccompProfile === '' ? DEFAULT_SECCOMP_PROFILE : parse(seccompProfile)
    const capabilities = new Set(capabilitiesOf(security))
    return this.#cache.compile(profile, { architecture, capabilities, kernel: this.#kernel })
  }
}

function parse(text: string): SeccompProfile {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw invalid('spec.security.seccomp_profile: it is neither JSON nor "unconfined"', {
      reason: 'SECCOMP_PROFILE_INVALID',
      cause,
    })
  }
  return parseSeccompProfile(json)
}
