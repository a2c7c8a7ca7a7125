import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { prepareCgroupHost } from './host.ts'
import { parseCgroupMounts, readCgroupLayout } from './layout.ts'

/** A directory that looks like the root of another host. */
function hostTree(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'caisson-cgroup-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

const subsystems = '#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t3\t1\t1\nnewone\t4\t1\t1\n'
const unifiedOnly =
  '26 22 0:24 / /sys rw - sysfs sysfs rw\n29 26 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n'
const v1Only = `31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
33 31 0:31 / /sys/fs/cgroup/my\\040set rw - cgroup cgroup rw,cpuset,clone_children
34 31 0:32 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/x,name=systemd
35 31 0:33 / /sys/fs/cgroup/newone rw - cgroup cgroup rw,newone
36 31 0:29 / /mnt/again rw - cgroup cgroup rw,cpu,cpuacct
`
const unified = '38 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n'

test('finds a version 2 host and its controllers', async (t) => {
  const root = hostTree(t, {
    'proc/self/mountinfo': unifiedOnly,
    'sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n',
  })
  const layout = await readCgroupLayout(root)
  assert.equal(layout.mode, 'v2')
  assert.equal(layout.unified?.mount, `${root}/sys/fs/cgroup`)
  assert.deepEqual([...(layout.unified?.controllers ?? [])], ['cpuset', 'cpu', 'io', 'memory', 'pids'])
  assert.deepEqual(layout.v1, [])
})

test('finds a version 1 host, each hierarchy once, named ones and unknown controllers too', () => {
  const { v1, unifiedMount } = parseCgroupMounts(v1Only, subsystems)
  assert.equal(unifiedMount, undefined)
  assert.deepEqual(v1, [
    { mount: '/sys/fs/cgroup/cpu,cpuacct', controllers: ['cpu', 'cpuacct'] },
    { mount: '/sys/fs/cgroup/my set', controllers: ['cpuset'] },
    { mount: '/sys/fs/cgroup/systemd', controllers: [], name: 'systemd' },
    { mount: '/sys/fs/cgroup/newone', controllers: ['newone'] },
  ])
})

test('tells version 1 and hybrid hosts apart, and a host without any', async (t) => {
  const files = { 'proc/cgroups': subsystems, 'sys/fs/cgroup/unified/cgroup.controllers': 'hugetlb\n' }
  const old = await readCgroupLayout(hostTree(t, { ...files, 'proc/self/mountinfo': v1Only }))
  assert.equal(old.mode, 'v1')
  const both = await readCgroupLayout(hostTree(t, { ...files, 'proc/self/mountinfo': v1Only + unified }))
  assert.equal(both.mode, 'hybrid')
  assert.deepEqual([...(both.unified?.controllers ?? [])], ['hugetlb'])
  await assert.rejects(readCgroupLayout(hostTree(t, { ...files, 'proc/self/mountinfo': '' })), {
    reason: 'CGROUP_NOT_MOUNTED',
  })
})

test('enables every controller for the engine, and goes without those that the kernel refuses', async (t) => {
  const at = 'sys/fs/cgroup'
  const root = hostTree(t, {
    'proc/self/mountinfo': unifiedOnly,
    [`${at}/cgroup.controllers`]: 'cpu memory\n',
    [`${at}/cgroup.subtree_control`]: '',
    [`${at}/caisson-one/cgroup.controllers`]: 'cpu memory\n',
    [`${at}/caisson-one/cgroup.subtree_control`]: 'cpu memory\n',
    [`${at}/caisson-one/memory.swap.max`]: 'max\n',
    [`${at}/caisson-one/io.weight`]: 'default 100\n',
  })
  const host = await prepareCgroupHost(await readCgroupLayout(root), 'one')
  assert.equal(host.enginePath, 'caisson-one')
  assert.deepEqual([...host.unifiedControllers], ['cpu', 'memory'])
  assert.equal(host.hasSwapLimit, true)
  assert.deepEqual([...host.ioFiles], ['io.weight'])
})

test('hands the parent’s CPUs down to an empty version 1 cpuset', async (t) => {
  const at = 'sys/fs/cgroup/my set'
  const root = hostTree(t, {
    'proc/self/mountinfo': v1Only,
    'proc/cgroups': subsystems,
    [`${at}/cpuset.cpus`]: '0-3\n',
    [`${at}/cpuset.mems`]: '0\n',
    [`${at}/caisson-two/cpuset.cpus`]: '\n',
    [`${at}/caisson-two/cpuset.mems`]: '\n',
  })
  const host = await prepareCgroupHost(await readCgroupLayout(root), 'two')
  assert.deepEqual(host.cpuset, { cpus: '0-3', mems: '0' })
  assert.equal(host.hasSwapLimit, false)
})

test('refuses an engine name that would leave its place', async () => {
  for (const engine of ['../x', 'a/../b', 'a b', 'x\n', '']) {
    await assert.rejects(prepareCgroupHost({ mode: 'v2', v1: [] }, engine), { reason: 'CGROUP_PATH_INVALID' }, engine)
  }
})
