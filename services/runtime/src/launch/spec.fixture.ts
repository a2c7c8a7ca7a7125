import type { RuntimeSpec } from '@caisson/oci'
import type { CgroupHost } from '../cgroup/index.ts'
import { capabilitySets, DEFAULT_CAPABILITIES } from './capabilities.ts'
import { DEFAULT_MASKED_PATHS, DEFAULT_READONLY_PATHS, defaultMounts } from './defaults.ts'
import { DEFAULT_RLIMITS } from './rlimits.ts'

/** Hosts and a container that tests share. */

export const hybridHost: CgroupHost = {
  layout: {
    mode: 'hybrid',
    unified: { mount: '/sys/fs/cgroup/unified', controllers: new Set() },
    v1: [
      { mount: '/sys/fs/cgroup/cpu,cpuacct', controllers: ['cpu', 'cpuacct'] },
      { mount: '/sys/fs/cgroup/devices', controllers: ['devices'] },
      { mount: '/sys/fs/cgroup/pids', controllers: ['pids'] },
      { mount: '/sys/fs/cgroup/systemd', controllers: [], name: 'systemd' },
    ],
  },
  enginePath: 'caisson-e',
  unifiedControllers: new Set(),
  hasSwapLimit: false,
  ioFiles: new Set(),
}

export const unifiedHost: CgroupHost = {
  layout: { mode: 'v2', unified: { mount: '/sys/fs/cgroup', controllers: new Set() }, v1: [] },
  enginePath: 'caisson-e',
  unifiedControllers: new Set(['cpu', 'memory', 'pids', 'io', 'cpuset']),
  hasSwapLimit: true,
  ioFiles: new Set(['io.weight']),
}

export const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
export const ordinarySpec = {
  ociVersion: '1.3.0',
  hostname: 'box',
  process: {
    cwd: '/',
    args: ['sh', '-c', 'true'],
    env: ['PATH=/bin', 'EMPTY='],
    capabilities: capabilitySets(DEFAULT_CAPABILITIES),
    rlimits: DEFAULT_RLIMITS,
    noNewPrivileges: true,
    oomScoreAdj: 100,
  },
  mounts: defaultMounts(),
  linux: {
    namespaces: [
      ...(['mount', 'pid', 'uts', 'ipc', 'user', 'cgroup'] as const).map((type) => ({ type })),
      { type: 'network', path: '/run/ns/1' },
    ],
    uidMappings: mapping,
    gidMappings: mapping,
    resources: { pids: { limit: 4096 } },
    maskedPaths: DEFAULT_MASKED_PATHS,
    readonlyPaths: DEFAULT_READONLY_PATHS,
    sysctl: { 'net.ipv4.ip_forward': '1' },
  },
} satisfies RuntimeSpec
