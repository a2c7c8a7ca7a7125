import { fromTimestamp, type Partially, toTimestamp } from '@caisson/api'
import type { Filter as FilterMessage } from '@caisson/api/common'
import {
  type Container as ContainerMessage,
  type ContainerSpec as ContainerSpecMessage,
  type CreateContainerRequest,
  type ListContainersRequest,
  MountKind,
  NamespaceMode,
  RestartPolicyKind,
  ContainerState as StateMessage,
  WaitCondition as WaitMessage,
} from '@caisson/api/container'
import type { Sandbox as SandboxMessage } from '@caisson/api/network'
import { networkModeOut } from '../adapters/network-mode.ts'
import { portOut } from '../adapters/port-mapping.ts'
import type { Container, ContainerState, Sandbox } from '../container/container.ts'
import type { CreateRequest } from '../container/create.ts'
import type { Filter, ListRequest, WaitCondition } from '../container/find.ts'
import type { ContainerSpec, NamespaceMode as Mode, MountSpec, ProcessSpec } from '../container/spec.ts'
import { atMost, containerName, text, texts, wrong } from './checks.ts'
import { toExitStatus } from './exit-status.ts'
import { specIn } from './spec-in.ts'

/** Between the contract and the domain. */

const STATES: Readonly<Record<ContainerState, StateMessage>> = {
  created: StateMessage.CREATED,
  starting: StateMessage.STARTING,
  running: StateMessage.RUNNING,
  paused: StateMessage.PAUSED,
  exited: StateMessage.EXITED,
  removing: StateMessage.REMOVING,
  broken: StateMessage.BROKEN,
}

const FROM_STATE: ReadonlyMap<StateMessage, ContainerState> = new Map(
  Object.entries(STATES).map(([state, message]) => [message, state as ContainerState]),
)

const WAIT: ReadonlyMap<WaitMessage, WaitCondition> = new Map([
  [WaitMessage.UNSPECIFIED, 'not-running'],
  [WaitMessage.NOT_RUNNING, 'not-running'],
  [WaitMessage.NEXT_EXIT, 'next-exit'],
  [WaitMessage.REMOVED, 'removed'],
])

export function createRequestIn(request: CreateContainerRequest | undefined): CreateRequest {
  if (!request) throw wrong('create', 'it is missing')
  return {
    name: request.name === '' ? '' : containerName('name', request.name),
    spec: specIn(request.spec),
    requestId: text('request_id', request.requestId, 256),
  }
}

export function waitConditionIn(condition: WaitMessage): WaitCondition {
  const known = WAIT.get(condition)
  if (!known) throw wrong('condition', `${condition} is not known`)
  return known
}

export function filterIn(filter: FilterMessage | undefined): Filter {
  return {
    ids: texts('filter.ids', filter?.ids ?? [], 1_000),
    names: texts('filter.names', filter?.names ?? [], 1_000),
    labels: texts('filter.labels', filter?.labels ?? [], 100),
  }
}

export function listRequestIn(request: ListContainersRequest): ListRequest {
  atMost('states', request.states, 16)
  return {
    all: request.all,
    filter: filterIn(request.filter),
    states: request.states.map((state, index) => {
      const known = FROM_STATE.get(state)
      if (!known) throw wrong(`states[${index}]`, `no container can be found by ${state}`)
      return known
    }),
    images: texts('images', request.images, 100),
    pageSize: request.page?.size ?? 0,
    pageToken: request.page?.token ?? '',
  }
}

export const timeIn = fromTimestamp

export function containerOut(container: Container, state: ContainerState): Partially<ContainerMessage> {
  const { program, image } = container
  return {
    id: container.id,
    name: container.name,
    spec: specOut(container.spec),
    state: STATES[state],
    pid: container.process?.pid ?? 0,
    imageId: image.id,
    imageDigest: image.digest,
    createdAt: toTimestamp(container.createdNs),
    startedAt: toTimestamp(container.startedNs),
    exit: container.exit && toExitStatus(container.exit),
    restartCount: 0,
    sandbox: container.sandbox && sandboxOut(container.sandbox),
    args: program.args,
    env: program.env,
    workingDir: program.workingDir,
    user: program.user,
    stopSignal: container.stopSignal,
    idRangeStart: container.idRange?.start ?? 0,
    loosened: container.loosened,
    warnings: container.warnings,
    health: 'none',
  }
}

function sandboxOut(sandbox: Sandbox): Partially<SandboxMessage> {
  const { id, mode, namespacePath, endpoints, ports = [], resolvConf, hosts, createdNs } = sandbox
  return {
    id,
    mode: networkModeOut(mode),
    namespacePath,
    endpoints,
    ports: ports.map(portOut),
    resolvConf,
    hosts,
    createdAt: toTimestamp(createdNs),
  }
}

/** The spec with its defaults in place. */
export function specOut(spec: ContainerSpec): Partially<ContainerSpecMessage> {
  const { namespaces, security, network } = spec
  return {
    image: spec.image,
    platform: spec.platform,
    process: processOut(spec.process),
    hostname: spec.hostname,
    domainname: spec.domainname,
    mounts: spec.mounts.map(mountOut),
    volumesFrom: spec.volumesFrom ?? [],
    devices: spec.devices,
    resources: spec.resources,
    security: {
      privileged: security.privileged,
      capAdd: security.capAdd,
      capDrop: security.capDrop,
      noNewPrivileges: security.noNewPrivileges,
      seccompProfile: security.seccompProfile,
      runAsNonRoot: security.runAsNonRoot,
      userNamespace: { mode: modeOut(namespaces.user) },
      maskedPaths: security.maskedPaths && { values: security.maskedPaths },
      readonlyPaths: security.readonlyPaths && { values: security.readonlyPaths },
    },
    pidNamespace: { mode: modeOut(namespaces.pid) },
    ipcNamespace: { mode: modeOut(namespaces.ipc) },
    utsNamespace: { mode: modeOut(namespaces.uts) },
    cgroupNamespace: { mode: modeOut(namespaces.cgroup) },
    network: {
      mode: networkModeOut(network.mode),
      container: network.container ?? '',
      attachments: network.attachments,
      unconnected: network.unconnected ?? false,
      dns: network.dns,
      ports: (network.ports ?? []).map(portOut),
      publishAll: network.publishAll ?? false,
    },
    sysctls: spec.sysctls,
    shmBytes: spec.shmBytes,
    readOnlyRoot: spec.readOnlyRoot,
    storageBytes: spec.storageBytes ?? 0,
    init: spec.init,
    restart: { kind: RestartPolicyKind.NO },
    log: spec.log ? { driver: 'file', ...spec.log } : { driver: 'none' },
    stopSignal: spec.stopSignal,
    stopTimeoutSeconds: spec.stopTimeoutSeconds,
    autoRemove: spec.autoRemove,
    labels: spec.labels,
    annotations: spec.annotations,
  }
}

function modeOut(mode: Mode): NamespaceMode {
  return mode === 'host' ? NamespaceMode.HOST : NamespaceMode.PRIVATE
}

export function processOut(process: ProcessSpec): Partially<ContainerSpecMessage['process']> {
  const { entrypoint, cmd, ...rest } = process
  return {
    ...rest,
    entrypoint: entrypoint && { values: entrypoint },
    cmd: cmd && { values: cmd },
  }
}

function mountOut(mount: MountSpec): Partially<ContainerSpecMessage['mounts'][number]> {
  const { target, readOnly, options } = mount
  if (mount.kind === 'tmpfs')
    return { kind: MountKind.TMPFS, target, readOnly, options, sizeBytes: mount.sizeBytes, mode: mount.mode }
  if (mount.kind === 'volume') {
    const { source, noCopy, subpath, labels, driver, driverOptions } = mount
    return { kind: MountKind.VOLUME, target, readOnly, options, source, noCopy, subpath, labels, driver, driverOptions }
  }
  return {
    kind: MountKind.BIND,
    source: mount.source,
    target,
    readOnly,
    options,
    propagation: mount.propagation,
    nonRecursive: !mount.recursive,
    createSource: mount.createSource,
  }
}
