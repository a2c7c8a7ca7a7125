import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LinuxResources } from '@caisson/oci'
import type { PlanRecord } from '../launch/plan.ts'
import { CGROUP_FLAG } from '../launch/plan-format.ts'
import type { CgroupHost } from './host.ts'
import { cgroupExecRecords, cgroupRecords, placeContainer } from './plan-records.ts'
import { type CurrentLimits, resourceWrites } from './resource-writes.ts'

const v2: CgroupHost = {
  layout: { mode: 'v2', unified: { mount: '/c', controllers: new Set() }, v1: [] },
  enginePath: 'caisson-e',
  unifiedControllers: new Set(['cpu', 'cpuset', 'io', 'memory', 'pids', 'hugetlb', 'rdma']),
  hasSwapLimit: true,
  ioFiles: new Set(['io.weight']),
}

const hierarchy = (...controllers: string[]) => ({ mount: `/c/${controllers[0]}`, controllers })
const v1: CgroupHost = {
  layout: {
    mode: 'hybrid',
    unified: { mount: '/c/unified', controllers: new Set() },
    v1: [
      ...[hierarchy('cpu', 'cpuacct'), hierarchy('cpuset'), hierarchy('memory'), hierarchy('pids'), hierarchy('blkio')],
      ...[
        hierarchy('devices'),
        hierarchy('net_cls', 'net_prio'),
        { mount: '/c/systemd', controllers: [], name: 'systemd' },
      ],
    ],
  },
  enginePath: 'caisson-e',
  unifiedControllers: new Set(['hugetlb']),
  cpuset: { cpus: '0-1', mems: '0' },
  hasSwapLimit: true,
  ioFiles: new Set(['blkio.bfq.weight']),
}

/** "file=value" without the directories, which are checked to be the container's. */
function writes(host: CgroupHost, resources: LinuxResources, current?: CurrentLimits): string[] {
  return resourceWrites(host, placeContainer(host, 'id'), resources, current).map(({ path, value, isOptional }) => {
    const match = /^\/c(?:\/\w+)?\/caisson-e\/id\/(.+)$/.exec(path) ?? assert.fail(path)
    return `${match[1]}=${value}${isOptional ? '?' : ''}`
  })
}

const everything: LinuxResources = {
  memory: { limit: 100, reservation: 50, swap: 150, swappiness: 10, disableOOMKiller: true },
  cpu: { shares: 1024, quota: 20_000, period: 50_000, burst: 1000, cpus: '1', idle: 0 },
  pids: { limit: 7 },
  blockIO: {
    weight: 500,
    weightDevice: [{ major: 8, minor: 0, weight: 10 }],
    throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 2 }],
  },
  hugepageLimits: [{ pageSize: '2MB', limit: 4096 }],
}

test('writes every limit of version 2', () => {
  assert.deepEqual(writes(v2, everything), [
    'cpuset.cpus=1',
    ...['memory.swap.max=50', 'memory.max=100', 'memory.low=50'],
    ...['cpu.idle=0', 'cpu.weight=100', 'cpu.max=20000 50000', 'cpu.max.burst=1000'],
    'pids.max=7',
    ...['io.weight=4950', 'io.weight=8:0 1', 'io.max=8:0 rbps=1', 'io.max=8:16 wiops=2'],
    ...['hugetlb.2MB.max=4096', 'hugetlb.2MB.rsvd.max=4096?'],
  ])
})

test('writes every limit of version 1, and what only version 2 has into the unified group', () => {
  assert.deepEqual(writes(v1, everything), [
    ...['cpuset.cpus=1', 'cpuset.mems=0'],
    ...['memory.limit_in_bytes=100', 'memory.memsw.limit_in_bytes=150', 'memory.soft_limit_in_bytes=50'],
    ...['memory.swappiness=10', 'memory.oom_control=1'],
    ...['cpu.shares=1024', 'cpu.cfs_period_us=50000', 'cpu.cfs_quota_us=20000', 'cpu.cfs_burst_us=1000', 'cpu.idle=0'],
    'pids.max=7',
    ...['blkio.bfq.weight=500', 'blkio.bfq.weight_device=8:0 10'],
    ...['blkio.throttle.read_bps_device=8:0 1', 'blkio.throttle.write_iops_device=8:16 2'],
    ...['hugetlb.2MB.max=4096', 'hugetlb.2MB.rsvd.max=4096?'],
  ])
})

test('leaves alone what nobody asked for, but gives a version 1 cpuset its CPUs', () => {
  assert.deepEqual(writes(v2, {}), [])
  assert.deepEqual(writes(v2, { memory: {}, cpu: { shares: 0 }, pids: {}, blockIO: {} }), [])
  assert.deepEqual(writes(v1, {}), ['cpuset.cpus=0-1', 'cpuset.mems=0'])
})

test('lifts limits', () => {
  const none = { memory: { limit: -1 }, cpu: { quota: -1 }, pids: { limit: -1 } }
  assert.deepEqual(writes(v2, none), ['memory.swap.max=max', 'memory.max=max', 'cpu.max=max 100000', 'pids.max=max'])
  assert.deepEqual(writes(v1, none).slice(2), [
    ...['memory.limit_in_bytes=-1', 'memory.memsw.limit_in_bytes=-1'],
    ...['cpu.cfs_quota_us=-1', 'pids.max=max'],
  ])
})

test('writes a growing pair of version 1 memory limits swap first, a shrinking one memory first', () => {
  const memory = { limit: 300, swap: 400 }
  const [limit, swap] = ['memory.limit_in_bytes=300', 'memory.memsw.limit_in_bytes=400']
  assert.deepEqual(writes(v1, { memory }, { memoryAndSwap: 200 }).slice(2), [swap, limit])
  assert.deepEqual(writes(v1, { memory }, { memoryAndSwap: 900 }).slice(2), [limit, swap])
})

test('goes without a swap limit where the kernel has none', () => {
  assert.deepEqual(writes({ ...v1, hasSwapLimit: false }, { memory: { limit: 1, swap: 2 } }).slice(2), [
    'memory.limit_in_bytes=1',
  ])
})

test('names the controller that is missing', () => {
  const bare = { ...v2, unifiedControllers: new Set<string>(), ioFiles: new Set<string>() }
  const asks: [LinuxResources, string][] = [
    [{ memory: { limit: 1 } }, 'memory'],
    [{ cpu: { shares: 1 } }, 'cpu'],
    [{ cpu: { cpus: '0' } }, 'cpuset'],
    [{ pids: { limit: 1 } }, 'pids'],
    [{ blockIO: { weight: 100 } }, 'io'],
    [{ hugepageLimits: [{ pageSize: '2MB', limit: 1 }] }, 'hugetlb'],
    [{ network: { classID: 1 } }, 'net_cls'],
    [{ unified: { 'memory.high': '1' } }, 'memory'],
  ]
  for (const [resources, controller] of asks) {
    assert.throws(() => writes(bare, resources), {
      code: 'failed-precondition',
      reason: 'CGROUP_CONTROLLER_MISSING',
      details: { subject: controller },
    })
  }
  assert.throws(() => writes({ ...v2, ioFiles: new Set() }, { blockIO: { weight: 1 } }), /io weight/)
})

test('passes raw version 2 files on, and no others', () => {
  assert.deepEqual(writes(v2, { unified: { 'memory.high': 'max', 'hugetlb.2MB.max': '1' } }), [
    ...['memory.high=max', 'hugetlb.2MB.max=1'],
  ])
  for (const file of ['cgroup.procs', '../memory.max', 'memory', 'memory.max/../x', 'memory.\nmax']) {
    assert.throws(() => writes(v2, { unified: { [file]: '1' } }), { reason: 'CGROUP_FILE_INVALID' })
  }
})

const byType = (records: readonly PlanRecord[], type: PlanRecord['type']) =>
  records.filter((each) => each.type === type)

test('puts a container into every hierarchy, the unified one by birth', () => {
  const records = cgroupRecords(v1, placeContainer(v1, 'id'))
  const directories = byType(records, 'cgroupDir')
  assert.equal(directories.length, 9)
  assert.deepEqual(directories.slice(-2), [
    { type: 'cgroupDir', flags: CGROUP_FLAG.remove | CGROUP_FLAG.optional, path: '/c/systemd/caisson-e/id' },
    { type: 'cgroupDir', flags: CGROUP_FLAG.remove | CGROUP_FLAG.v2, path: '/c/unified/caisson-e/id' },
  ])
  assert.ok(byType(records, 'cgroupWrite').some((each) => 'path' in each && each.path.endsWith('devices.deny')))
  assert.deepEqual(byType(records, 'cgroupDevices'), [])
  assert.deepEqual(byType(records, 'oomFile'), [
    { type: 'oomFile', kind: 2, path: '/c/memory/caisson-e/id/memory.oom_control' },
  ])
  assert.equal(byType(records, 'usageFile').length, 2)
})

test('controls devices by a program on version 2', () => {
  const records = cgroupRecords(v2, placeContainer(v2, 'id'))
  assert.equal(byType(records, 'cgroupDevices').length, 1)
  assert.deepEqual(byType(records, 'oomFile'), [{ type: 'oomFile', kind: 1, path: '/c/caisson-e/id/memory.events' }])
  const open = cgroupRecords(v2, placeContainer(v2, 'id'), { devices: [{ allow: true, access: 'rwm' }] })
  assert.deepEqual(byType(open, 'cgroupDevices'), [])
})

test('lets an exec join groups that exist and removes none', () => {
  for (const record of cgroupExecRecords(placeContainer(v1, 'id'))) {
    assert.ok(record.type === 'cgroupDir' && (record.flags & CGROUP_FLAG.exists) !== 0)
    assert.equal(record.flags & CGROUP_FLAG.remove, 0)
  }
})

test('refuses an id that is a path', () => {
  for (const id of ['..', 'a/../b', '', 'a\0b']) {
    assert.throws(() => placeContainer(v2, id), { reason: 'CGROUP_PATH_INVALID' })
  }
})
