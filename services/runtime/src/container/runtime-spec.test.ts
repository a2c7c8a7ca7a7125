import assert from 'node:assert/strict'
import { test } from 'node:test'
import { someContainer } from '../fake-access.fixture.ts'
import type { Container } from './container.ts'
import { linuxResources } from './resources.ts'
import { type HostFacts, runtimeSpecOf } from './runtime-spec.ts'
import type { ContainerSpec } from './spec.ts'

const host: HostFacts = {
  processors: 2,
  numberOf: () => ({ type: 'c', major: 10, minor: 229 }),
  allDevices: () => ['/dev/fuse', '/dev/kvm'],
}

function specOf(changes: Partial<ContainerSpec>, container: Partial<Container> = {}) {
  const base = someContainer('one')
  const made = { ...base, idRange: { start: 1 << 30, count: 65_536 }, ...container, spec: { ...base.spec, ...changes } }
  return runtimeSpecOf(made, '/state', host, undefined)
}

const base = someContainer('one').spec

test('has namespaces of its own for everything, and its own ids', () => {
  const { linux } = specOf({})
  const types = (linux?.namespaces ?? []).map(({ type }) => type).toSorted()
  assert.deepEqual(
    types.filter((type) => type !== 'network'),
    ['cgroup', 'ipc', 'mount', 'pid', 'user', 'uts'],
  )
  assert.deepEqual(linux?.uidMappings, [{ containerID: 0, hostID: 1 << 30, size: 65_536 }])
})

test('has the default capabilities only, no new privileges, and hides what tells of the host', () => {
  const { process, linux } = specOf({})
  assert.equal(process?.noNewPrivileges, base.security.noNewPrivileges)
  assert.ok(!process?.capabilities?.bounding?.includes('CAP_NET_RAW'))
  assert.deepEqual(process?.capabilities?.ambient, [])
  assert.ok(linux?.maskedPaths?.includes('/proc/kcore'))
  assert.ok(linux?.maskedPaths?.includes('/sys/devices/system/cpu/cpu1/thermal_throttle'))
  assert.ok(linux?.readonlyPaths?.includes('/proc/sys'))
  assert.equal(process?.oomScoreAdj, 100)
  assert.deepEqual(linux?.resources?.pids, { limit: 4_096 })
})

test('lifts all of it when privileged, with every device of the host', () => {
  const { process, linux } = specOf({ security: { ...base.security, privileged: true } })
  assert.ok(process?.capabilities?.bounding?.includes('CAP_SYS_ADMIN'))
  assert.deepEqual([linux?.maskedPaths, linux?.readonlyPaths], [[], []])
  assert.deepEqual(linux?.resources?.devices, [{ allow: true }])
  assert.deepEqual(
    linux?.devices?.map(({ path }) => path),
    ['/dev/fuse', '/dev/kvm'],
  )
})

test('binds its files of the network, unless the request has something at their place', () => {
  const bind = {
    kind: 'bind',
    source: '/host/hosts',
    target: '/etc/hosts',
    readOnly: true,
    propagation: 'rprivate',
    recursive: true,
    createSource: false,
    options: [],
  } as const
  const { mounts } = specOf({ mounts: [bind] })
  const at = (destination: string) => mounts?.filter((mount) => mount.destination === destination)
  assert.equal(at('/etc/resolv.conf')?.[0]?.source, '/state/resolv.conf')
  assert.deepEqual(
    at('/etc/hosts')?.map(({ source }) => source),
    ['/host/hosts'],
  )
  for (const option of ['rbind', 'ro', 'nodev', 'idmap']) assert.ok(at('/etc/hosts')?.[0]?.options?.includes(option))
})

test('turns limits into those of the runtime spec', () => {
  const resources = linuxResources(
    { memoryBytes: 100 << 20, nanoCpus: 1_500_000_000, pidsLimit: 0, cpuShares: 512 },
    host.numberOf,
  )
  assert.deepEqual(resources, {
    memory: { limit: 100 << 20, swap: 200 << 20 },
    cpu: { shares: 512, quota: 150_000, period: 100_000 },
    pids: { limit: -1 },
  })
})

test('changes nothing that an update does not name, and lifts what it sets to zero', () => {
  assert.deepEqual(linuxResources({ cpuShares: 2 }, host.numberOf, true), { cpu: { shares: 2 } })
  assert.deepEqual(linuxResources({ memoryBytes: 0, nanoCpus: 0 }, host.numberOf, true), {
    memory: { limit: -1, swap: -1 },
    cpu: { quota: -1 },
  })
  assert.deepEqual(linuxResources({ memorySwapBytes: -1 }, host.numberOf, true), { memory: { swap: -1 } })
})
