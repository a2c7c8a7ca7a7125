import type {
  ContainerSpec as ContainerSpecMessage,
  Device,
  LogPolicy,
  Namespace,
  NetworkPolicy,
  Process,
  RestartPolicy,
  Security,
} from '@caisson/api/container'
import { NamespaceMode, RestartPolicyKind } from '@caisson/api/container'
import { type Attachment, SandboxMode } from '@caisson/api/network'
import { networkModeIn } from '../adapters/network-mode.ts'
import { portIn } from '../adapters/port-mapping.ts'
import { isUserOrGroup } from '../container/program.ts'
import { signalNumber } from '../container/signal.ts'
import type {
  AttachmentSpec,
  ContainerSpec,
  DeviceSpec,
  LogSpec,
  NamespaceSpec,
  NetworkSpec,
  ProcessSpec,
  SecuritySpec,
} from '../container/spec.ts'
import {
  absolutePath,
  atMost,
  dictionary,
  innerPath,
  oneOf,
  present,
  refuse,
  shown,
  text,
  texts,
  within,
  wrong,
} from './checks.ts'
import { mountsIn } from './mounts-in.ts'
import { resourcesIn } from './resources-in.ts'
import { refuseSharedConflicts, sharedContainerIn } from './shared-network-in.ts'

const HOSTNAME = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/
const DEFAULT_SHM_BYTES = 64 << 20
const DEFAULT_STOP_SECONDS = 10
const DEFAULT_SEGMENT_BYTES = 20 << 20
const DEFAULT_SEGMENTS = 5
const MAX_BYTES = Number.MAX_SAFE_INTEGER

/** A spec as the domain trusts it. INVALID_FIELD and UNIMPLEMENTED_FIELD name the field. */
export function specIn(spec: ContainerSpecMessage | undefined): ContainerSpec {
  if (!spec) throw wrong('spec', 'it is missing')
  refuseTheRest(spec)
  const process = processIn(spec.process)
  const log = logIn(spec.log)
  const storageBytes = storageIn(spec)
  if (spec.stopSignal !== '') signalNumber(spec.stopSignal)
  const network = networkIn(spec.network)
  if (network.mode === 'shared') refuseSharedConflicts(spec)
  return {
    image: imageIn(spec.image),
    ...(spec.platform && { platform: spec.platform }),
    process,
    hostname: hostnameIn('spec.hostname', spec.hostname),
    domainname: hostnameIn('spec.domainname', spec.domainname),
    mounts: mountsIn(spec.mounts),
    ...(spec.volumesFrom.length > 0 && { volumesFrom: volumesFromIn(spec.volumesFrom) }),
    devices: devicesIn(spec.devices),
    resources: resourcesIn('spec.resources', spec.resources),
    security: securityIn(spec.security),
    namespaces: namespacesIn(spec),
    network,
    sysctls: dictionary('spec.sysctls', spec.sysctls),
    shmBytes: within('spec.shm_bytes', spec.shmBytes, 0, MAX_BYTES) || DEFAULT_SHM_BYTES,
    readOnlyRoot: spec.readOnlyRoot,
    ...(storageBytes > 0 && { storageBytes }),
    init: spec.init,
    ...(log && { log }),
    stopSignal: spec.stopSignal,
    stopTimeoutSeconds: spec.stopTimeoutSeconds ?? DEFAULT_STOP_SECONDS,
    autoRemove: spec.autoRemove,
    labels: dictionary('spec.labels', spec.labels),
    annotations: dictionary('spec.annotations', spec.annotations),
    cgroupParent: '',
  }
}

function storageIn({ storageBytes, readOnlyRoot }: ContainerSpecMessage): number {
  if (storageBytes > 0 && readOnlyRoot) throw wrong('spec.storage_bytes', 'the root is read-only: it takes no changes')
  return within('spec.storage_bytes', storageBytes, 0, MAX_BYTES)
}

function refuseTheRest(spec: ContainerSpecMessage): void {
  refuse('spec.device_rules', spec.deviceRules.length > 0)
  refuse('spec.health_check', hasHealthCheck(spec))
  refuse('spec.cgroup_parent', spec.cgroupParent !== '')
  checkRestart('spec.restart', spec.restart)
}

/** A check that says NONE asks for what this version does anyway. */
function hasHealthCheck({ healthCheck }: ContainerSpecMessage): boolean {
  return healthCheck !== undefined && healthCheck.test[0] !== 'NONE'
}

/** Only NO is done. */
export function checkRestart(field: string, restart: RestartPolicy | undefined): void {
  const kind = restart?.kind ?? RestartPolicyKind.NO
  refuse(field, kind !== RestartPolicyKind.NO && kind !== RestartPolicyKind.UNSPECIFIED)
}

function imageIn(image: string): string {
  if (image === '') throw wrong('spec.image', 'it is missing: name an image')
  return text('spec.image', image, 1_024)
}

function volumesFromIn(references: readonly string[]): readonly string[] {
  atMost('spec.volumes_from', references, 100)
  for (const [index, value] of references.entries())
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}(:r[ow])?$/.test(value))
      throw wrong(
        `spec.volumes_from[${index}]`,
        `${shown(value)} is neither a container nor one with :ro or :rw behind it`,
      )
  return references
}

function hostnameIn(field: string, name: string): string {
  if (name !== '' && !HOSTNAME.test(name))
    throw wrong(field, `${shown(name)} is no host name: letters, digits, dots and hyphens inside, at most 64`)
  return name
}

export function processIn(process: Process | undefined): ProcessSpec {
  const field = 'spec.process'
  if (!process) return EMPTY_PROCESS
  for (const [index, group] of process.groups.entries())
    if (!isUserOrGroup(group)) throw wrong(`${field}.groups[${index}]`, `${shown(group)} is no group`)
  atMost(`${field}.rlimits`, process.rlimits, 16)
  return {
    ...present({
      entrypoint: process.entrypoint && texts(`${field}.entrypoint`, process.entrypoint.values),
      cmd: process.cmd && texts(`${field}.cmd`, process.cmd.values),
      terminalSize: process.terminalSize && { ...process.terminalSize },
      umask: process.umask === undefined ? undefined : within(`${field}.umask`, process.umask, 0, 0o777),
    }),
    env: texts(`${field}.env`, process.env).map((entry, index) => variable(`${field}.env[${index}]`, entry)),
    workingDir: process.workingDir === '' ? '' : absolutePath(`${field}.working_dir`, process.workingDir),
    user: text(`${field}.user`, process.user, 256),
    groups: process.groups,
    tty: process.tty,
    stdin: process.stdin,
    stdinOnce: process.stdinOnce,
    rlimits: process.rlimits.map(({ name, soft, hard }, index) => ({
      name: oneOf(`${field}.rlimits[${index}].name`, name, RLIMITS),
      soft: within(`${field}.rlimits[${index}].soft`, soft, -1, MAX_BYTES),
      hard: within(`${field}.rlimits[${index}].hard`, hard, -1, MAX_BYTES),
    })),
  }
}

const EMPTY_PROCESS: ProcessSpec = {
  env: [],
  workingDir: '',
  user: '',
  groups: [],
  tty: false,
  stdin: false,
  stdinOnce: false,
  rlimits: [],
}

const RLIMITS = [
  ...(['as', 'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc'] as const),
  ...(['rss', 'rtprio', 'rttime', 'sigpending', 'stack'] as const),
] as const

function variable(field: string, entry: string): string {
  if (entry === '' || entry.startsWith('=')) throw wrong(field, `${shown(entry)} has no name: NAME=value or NAME`)
  return entry
}

function securityIn(security: Security | undefined): SecuritySpec {
  const field = 'spec.security'
  refuse(`${field}.apparmor_profile`, !['', 'unconfined'].includes(security?.apparmorProfile ?? ''))
  refuse(`${field}.selinux_label`, (security?.selinuxLabel ?? '') !== '')
  const paths = (name: string, values: readonly string[] | undefined): readonly string[] | undefined => {
    if (values) atMost(`${field}.${name}`, values, 1_000)
    return values?.map((path, index) => innerPath(`${field}.${name}[${index}]`, path))
  }
  const privileged = security?.privileged ?? false
  return {
    ...present({
      maskedPaths: paths('masked_paths', security?.maskedPaths?.values),
      readonlyPaths: paths('readonly_paths', security?.readonlyPaths?.values),
    }),
    privileged,
    capAdd: capabilities(`${field}.cap_add`, security?.capAdd ?? []),
    capDrop: capabilities(`${field}.cap_drop`, security?.capDrop ?? []),
    noNewPrivileges: security?.noNewPrivileges ?? !privileged,
    seccompProfile: text(`${field}.seccomp_profile`, security?.seccompProfile ?? '', 1 << 20),
    runAsNonRoot: security?.runAsNonRoot ?? false,
  }
}

function capabilities(field: string, names: readonly string[]): string[] {
  atMost(field, names, 64)
  return names.map((name, index) => {
    const plain = name.toUpperCase().replace(/^CAP_/, '')
    if (!/^[A-Z_]{3,32}$/.test(plain)) throw wrong(`${field}[${index}]`, `${shown(name)} is no capability`)
    return plain
  })
}

/** A privileged container has the host's user namespace, unless it is told to have its own. */
function namespacesIn(spec: ContainerSpecMessage): NamespaceSpec {
  const { security } = spec
  const userDefault = security?.privileged ? 'host' : 'private'
  return {
    user: namespaceIn('spec.security.user_namespace', security?.userNamespace, userDefault),
    pid: namespaceIn('spec.pid_namespace', spec.pidNamespace),
    ipc: namespaceIn('spec.ipc_namespace', spec.ipcNamespace),
    uts: namespaceIn('spec.uts_namespace', spec.utsNamespace),
    cgroup: namespaceIn('spec.cgroup_namespace', spec.cgroupNamespace),
  }
}

function namespaceIn(
  field: string,
  namespace: Namespace | undefined,
  unspecified: 'private' | 'host' = 'private',
): 'private' | 'host' {
  const mode = namespace?.mode ?? NamespaceMode.UNSPECIFIED
  refuse(`${field}.container`, mode === NamespaceMode.CONTAINER || (namespace?.container ?? '') !== '')
  if (mode === NamespaceMode.UNSPECIFIED) return unspecified
  return mode === NamespaceMode.HOST ? 'host' : 'private'
}

function networkIn(network: NetworkPolicy | undefined): NetworkSpec {
  const field = 'spec.network'
  const mode = networkModeIn(network?.mode ?? SandboxMode.UNSPECIFIED)
  refuse(`${field}.mode`, mode === undefined)
  refuse(`${field}.unconnected`, network?.unconnected ?? false)
  const container = network && mode === 'shared' ? sharedContainerIn(network) : undefined
  if (container === undefined && network?.container)
    throw wrong(`${field}.container`, 'it goes with the network mode SHARED only')
  const attachments = network?.attachments ?? []
  const ports = network?.ports ?? []
  atMost(`${field}.ports`, ports, 1024)
  atMost(`${field}.attachments`, attachments, 32)
  if (mode !== 'bridge' && attachments.length > 0)
    throw wrong(`${field}.attachments`, `a container with the network mode ${mode} connects to no networks`)
  if (mode !== 'bridge' && (ports.length > 0 || network?.publishAll))
    throw wrong(`${field}.ports`, `a container with the network mode ${mode} publishes no ports`)
  const dns = network?.dns
  return {
    mode: mode ?? 'bridge',
    ...(container !== undefined && { container }),
    ...(ports.length > 0 && { ports: ports.map(portIn) }),
    ...(network?.publishAll && { publishAll: true }),
    attachments: attachments.map((attachment, index) => attachmentIn(`${field}.attachments[${index}]`, attachment)),
    dns: {
      servers: texts(`${field}.dns.servers`, dns?.servers ?? [], 32),
      search: texts(`${field}.dns.search`, dns?.search ?? [], 32),
      options: texts(`${field}.dns.options`, dns?.options ?? [], 32),
      extraHosts: dictionary(`${field}.dns.extra_hosts`, dns?.extraHosts ?? {}),
    },
  }
}

/** Networks and addresses are checked by the network service, which knows them. */
export function attachmentIn(field: string, attachment: Attachment): AttachmentSpec {
  texts(`${field}.aliases`, attachment.aliases, 64)
  dictionary(`${field}.driver_options`, attachment.driverOptions)
  text(`${field}.network`, attachment.network, 128)
  return { ...attachment }
}

function devicesIn(devices: readonly Device[]): DeviceSpec[] {
  atMost('spec.devices', devices, 256)
  return devices.map(({ hostPath, containerPath, permissions }, index) => {
    const field = `spec.devices[${index}]`
    const host = absolutePath(`${field}.host_path`, hostPath)
    const allowed = permissions === '' ? 'rwm' : permissions
    if (!/^[rwm]{1,3}$/.test(allowed))
      throw wrong(`${field}.permissions`, `${shown(allowed)} is not made of r, w and m`)
    return {
      hostPath: host,
      containerPath: containerPath === '' ? host : innerPath(`${field}.container_path`, containerPath),
      permissions: allowed,
    }
  })
}

function logIn(log: LogPolicy | undefined): LogSpec | undefined {
  const driver = log?.driver ?? ''
  refuse('spec.log.driver', !['', 'file', 'none'].includes(driver))
  if (driver === 'none') return undefined
  const bytes = log?.maxSegmentBytes ?? 0
  const segments = log?.maxSegments ?? 0
  return {
    maxSegmentBytes: bytes === 0 ? DEFAULT_SEGMENT_BYTES : within('spec.log.max_segment_bytes', bytes, 4_096, 2 ** 40),
    maxSegments: segments === 0 ? DEFAULT_SEGMENTS : within('spec.log.max_segments', segments, 1, 10_000),
  }
}
