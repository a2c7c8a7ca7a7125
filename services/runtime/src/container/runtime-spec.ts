import { join } from 'node:path'
import type {
  IdMapping,
  LinuxConfig,
  LinuxDevice,
  LinuxDeviceRule,
  LinuxNamespace,
  RuntimeMount,
  RuntimeProcess,
  RuntimeRlimit,
  RuntimeSpec,
} from '@caisson/oci'
import { DEFAULT_DEVICE_RULES } from '../cgroup/index.ts'
import {
  adjustCapabilities,
  CAPABILITY_NAMES,
  capabilitySets,
  DEFAULT_CAPABILITIES,
  DEFAULT_MASKED_PATHS,
  DEFAULT_READONLY_PATHS,
  defaultMounts,
  thermalPaths,
  withDefaultRlimits,
} from '../launch/index.ts'
import type { Container } from './container.ts'
import { type DeviceNumber, linuxResources } from './resources.ts'
import { hostnameOf } from './sandbox-request.ts'
import type {
  BindSpec,
  ContainerSpec,
  DeviceSpec,
  MountSpec,
  RlimitSpec,
  SecuritySpec,
  TerminalSize,
  TmpfsSpec,
  VolumeMountSpec,
} from './spec.ts'
import { HOST_FILES } from './state-dirs.ts'

/** What the host looks like to who writes a spec for it. */
export interface HostFacts {
  readonly processors: number
  /** Number of a device node by its path; throws DEVICE_NOT_FOUND. */
  numberOf(path: string): DeviceNumber
  /** Every device node of the host. */
  allDevices(): readonly string[]
}

export const DEFAULT_OOM_SCORE_ADJ = 100

/** Capabilities that a container's processes may have, as CAP_ names. */
export function capabilitiesOf({ privileged, capAdd, capDrop }: SecuritySpec): string[] {
  const base = privileged ? CAPABILITY_NAMES : DEFAULT_CAPABILITIES
  return adjustCapabilities(base, capAdd, capDrop)
}

/** The config.json of the runtime spec for a container whose sandbox is ready. */
export function runtimeSpecOf(
  container: Container,
  stateDir: string,
  host: HostFacts,
  terminalSize: TerminalSize | undefined,
): RuntimeSpec {
  const { spec } = container
  const hasOwnUts = spec.namespaces.uts === 'private'
  return {
    ociVersion: '1.3.0',
    root: { path: '/', readonly: spec.readOnlyRoot },
    process: processOf(container, terminalSize),
    ...(hasOwnUts && { hostname: hostnameOf(container) }),
    ...(hasOwnUts && spec.domainname !== '' && { domainname: spec.domainname }),
    mounts: mountsOf(spec, stateDir),
    linux: linuxOf(container, host),
  }
}

function processOf({ spec, program }: Container, terminalSize: TerminalSize | undefined): RuntimeProcess {
  const { process, security, resources } = spec
  const size = terminalSize ?? process.terminalSize
  return {
    terminal: process.tty,
    ...(process.tty && size && { consoleSize: { height: size.rows, width: size.columns } }),
    args: program.args,
    env: program.env,
    cwd: program.workingDir,
    ...(process.umask !== undefined && { user: { umask: process.umask } }),
    capabilities: capabilitySets(capabilitiesOf(security)),
    rlimits: withDefaultRlimits(rlimitsOf(process.rlimits)),
    noNewPrivileges: security.noNewPrivileges,
    oomScoreAdj: resources.oomScoreAdj ?? DEFAULT_OOM_SCORE_ADJ,
  }
}

/** Limits of a process; of two with the same name the later one. */
export function rlimitsOf(rlimits: readonly RlimitSpec[]): RuntimeRlimit[] {
  const byType = new Map(rlimits.map(({ name, soft, hard }) => [`RLIMIT_${name.toUpperCase()}`, { soft, hard }]))
  return [...byType].map(([type, limit]) => ({ type, ...limit }))
}

function linuxOf(container: Container, host: HostFacts): LinuxConfig {
  const { spec, idRange } = container
  const { security } = spec
  const map: IdMapping[] = idRange ? [{ containerID: 0, hostID: idRange.start, size: idRange.count }] : []
  const hidden = security.privileged ? [] : [...DEFAULT_MASKED_PATHS, ...thermalPaths(host.processors)]
  const devices = devicesOf(spec, host)
  return {
    namespaces: namespacesOf(container),
    uidMappings: map,
    gidMappings: map,
    devices: devices.nodes,
    resources: { ...linuxResources(spec.resources, host.numberOf), devices: devices.rules },
    sysctl: spec.sysctls,
    maskedPaths: security.maskedPaths ?? hidden,
    readonlyPaths: security.readonlyPaths ?? (security.privileged ? [] : DEFAULT_READONLY_PATHS),
  }
}

/** What it does not share with the host. */
export function namespacesOf({ spec, sandbox }: Container): LinuxNamespace[] {
  const own = Object.entries(spec.namespaces).filter(([, mode]) => mode === 'private')
  const made = own.map(([type]) => ({ type: type as keyof ContainerSpec['namespaces'] }))
  const path = sandbox?.namespacePath ?? ''
  return [{ type: 'mount' }, ...made, ...(path === '' ? [] : [{ type: 'network' as const, path }])]
}

function mountsOf(spec: ContainerSpec, stateDir: string): RuntimeMount[] {
  const taken = new Set(spec.mounts.map(({ target }) => target))
  const usual = defaultMounts({ shmBytes: spec.shmBytes, isPrivileged: spec.security.privileged })
  const access = spec.readOnlyRoot ? 'ro' : 'rw'
  const files = HOST_FILES.map((name) => ({
    destination: `/etc/${name}`,
    type: 'bind',
    source: join(stateDir, name),
    options: ['bind', access, 'nosuid', 'nodev', 'noexec', ...idmapOf(spec)],
  }))
  return [
    ...[...usual, ...files].filter(({ destination }) => !taken.has(destination)),
    ...spec.mounts.map((mount) => mountOf(mount, spec)),
  ]
}

/** Files of the host's root are those of the container's root. */
function idmapOf(spec: ContainerSpec): string[] {
  return spec.namespaces.user === 'private' ? ['idmap'] : []
}

function mountOf(mount: MountSpec, spec: ContainerSpec): RuntimeMount {
  if (mount.kind === 'bind') return bindOf(mount, spec)
  return mount.kind === 'tmpfs' ? tmpfsOf(mount) : volumeOf(mount, spec)
}

/** Ids on the disk of a volume are those of the container: every container sees the same owners. */
function volumeOf(mount: VolumeMountSpec, spec: ContainerSpec): RuntimeMount {
  const options = [
    'bind',
    mount.readOnly ? 'ro' : 'rw',
    'nodev',
    ...mount.options,
    ...idmapOf(spec),
    ...(mount.subpath === '' ? [] : [`subpath=${mount.subpath}`]),
  ]
  return { destination: mount.target, type: 'bind', source: mount.path ?? '', options }
}

function bindOf(mount: BindSpec, spec: ContainerSpec): RuntimeMount {
  const options = [
    mount.recursive ? 'rbind' : 'bind',
    mount.readOnly ? 'ro' : 'rw',
    mount.propagation,
    'nodev',
    ...mount.options,
    ...idmapOf(spec),
  ]
  return { destination: mount.target, type: 'bind', source: mount.source, options }
}

function tmpfsOf(mount: TmpfsSpec): RuntimeMount {
  const options = [
    mount.readOnly ? 'ro' : 'rw',
    'nosuid',
    'nodev',
    'noexec',
    ...mount.options,
    `mode=${mount.mode.toString(8)}`,
    ...(mount.sizeBytes === 0 ? [] : [`size=${mount.sizeBytes}`]),
  ]
  return { destination: mount.target, type: 'tmpfs', source: 'tmpfs', options }
}

function devicesOf(spec: ContainerSpec, host: HostFacts): { nodes: LinuxDevice[]; rules: readonly LinuxDeviceRule[] } {
  if (spec.security.privileged)
    return {
      nodes: host.allDevices().map((path) => ({ path, ...host.numberOf(path), fileMode: 0o660 })),
      rules: [{ allow: true }],
    }
  const known = spec.devices.map((device) => ({ device, number: host.numberOf(device.hostPath) }))
  return {
    nodes: known.map(({ device, number }) => ({ path: device.containerPath, ...number, fileMode: modeOf(device) })),
    rules: [
      ...DEFAULT_DEVICE_RULES,
      ...known.map(({ device, number }) => ({ allow: true, ...number, access: device.permissions })),
    ],
  }
}

function modeOf({ permissions }: DeviceSpec): number {
  return (permissions.includes('r') ? 0o444 : 0) | (permissions.includes('w') ? 0o222 : 0)
}
