import assert from 'node:assert/strict'
import { test } from 'node:test'
import { layoutOf } from '@caisson/api/layout'
import { checkCgroups } from './cgroups.ts'
import type { Finding } from './finding.ts'
import type { Host, ProbeResult } from './host.ts'
import { checkInstallation } from './installation.ts'
import { checkKernel } from './kernel.ts'
import { isAtLeast, kernelHas } from './kernel-feature.ts'
import { checkLimits } from './limits.ts'
import { checkNetwork } from './network.ts'
import { checkStorage } from './storage.ts'

interface Fake {
  files?: Record<string, string>
  kernel?: string
  root?: boolean
  config?: string
  probe?: (program: string, args: readonly string[]) => ProbeResult | undefined
  fileSystem?: Partial<ReturnType<Host['fileSystem']>>
}

function fakeHost({ files = {}, kernel = '6.1.0', root = true, config, probe, fileSystem }: Fake = {}): Host {
  return {
    root,
    kernel,
    read: (path) => files[path],
    exists: (path) => path in files,
    kernelConfig: () => config,
    fileSystem: () => ({ type: 0xef53, freeBytes: 1e11, freeInodes: 1e6, inodes: 2e6, ...fileSystem }),
    probe: async (program, args) => probe?.(program, args),
  }
}

function levels(findings: readonly Finding[]): Record<string, string> {
  return Object.fromEntries(findings.map(({ name, level }) => [name, level]))
}

function finding(findings: readonly Finding[], name: string): Finding {
  const found = findings.find((one) => one.name === name)
  assert.ok(found, `no finding ${name}`)
  return found
}

const V2 = '30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate'
const V1 = ['memory', 'cpu,cpuacct', 'pids', 'cpuset', 'blkio']
  .map((list, index) => `${40 + index} 30 0:3${index} / /sys/fs/cgroup/${list} rw - cgroup cgroup rw,${list}`)
  .join('\n')

test('tells the three layouts of control groups apart', () => {
  const cases: [string, string][] = [
    [V2, 'v2'],
    [V1, 'v1'],
    [`${V1}\n${V2.replace('/sys/fs/cgroup', '/sys/fs/cgroup/unified')}`, 'hybrid: v1 controllers beside a v2 tree'],
  ]
  for (const [mountinfo, words] of cases) {
    const host = fakeHost({
      files: { '/proc/self/mountinfo': mountinfo, '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n' },
    })
    const findings = checkCgroups(host)
    assert.equal(finding(findings, 'control groups').found, words)
    assert.equal(finding(findings, 'controllers').level, 'ok', words)
  }
})

test('names a controller that is missing, and how to turn it on', () => {
  const files = { '/proc/self/mountinfo': V2, '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io\n' }
  const { level, found, mend } = finding(checkCgroups(fakeHost({ files })), 'controllers')
  assert.deepEqual([level, found], ['fail', 'missing: memory, pids'])
  assert.match(mend, /\+memory \+pids/)
  assert.equal(checkCgroups(fakeHost())[0]?.level, 'fail')
})

test('refuses an old kernel and says which calls are missing', async () => {
  const findings = await checkKernel(fakeHost({ kernel: '5.4.0-42-generic' }))
  assert.equal(levels(findings)['kernel'], 'fail')
  assert.equal(finding(findings, 'system calls').found, 'missing: openat2, close_range, mount_setattr')
  assert.equal(isAtLeast('6.0', 5, 19), true)
  assert.equal(isAtLeast('5.18.9', 5, 19), false)
  assert.equal(isAtLeast('nonsense', 5, 19), false)
})

test('finds user namespaces turned off and gives the setting', async () => {
  const off = await checkKernel(fakeHost({ files: { '/proc/sys/user/max_user_namespaces': '0\n' } }))
  assert.match(finding(off, 'user namespaces').mend, /sysctl -w user\.max_user_namespaces/)
  const refused = await checkKernel(
    fakeHost({
      files: { '/proc/sys/user/max_user_namespaces': '100\n' },
      probe: () => ({ succeeded: false, said: 'unshare failed: Operation not permitted' }),
    }),
  )
  assert.match(finding(refused, 'user namespaces').found, /Operation not permitted/)
})

test('finds features that are built in, loaded, or only installed', () => {
  const dep = { '/lib/modules/6.1.0/modules.dep': 'kernel/drivers/net/veth.ko.xz:\n' }
  assert.equal(kernelHas(fakeHost({ config: 'CONFIG_VETH=y\n' }), 'CONFIG_VETH', 'veth'), true)
  assert.equal(kernelHas(fakeHost({ files: { '/sys/module/veth': '' } }), 'CONFIG_VETH', 'veth'), true)
  assert.equal(kernelHas(fakeHost({ config: 'CONFIG_VETH=m\n', files: dep }), 'CONFIG_VETH', 'veth'), true)
  assert.equal(kernelHas(fakeHost({ config: 'CONFIG_VETH=m\n' }), 'CONFIG_VETH', 'veth'), false)
  assert.equal(kernelHas(fakeHost(), 'CONFIG_VETH', 'veth'), undefined)
})

test('believes a try of the network more than what the kernel says of itself', async () => {
  const config = 'CONFIG_NF_TABLES=y\nCONFIG_BRIDGE=y\nCONFIG_VETH=y\n'
  const failing = fakeHost({ config, probe: (program) => ({ succeeded: program !== 'unshare', said: 'refused' }) })
  assert.deepEqual(levels((await checkNetwork(failing)).slice(0, 3)), {
    nf_tables: 'fail',
    bridge: 'fail',
    veth: 'fail',
  })
  const untried = await checkNetwork(fakeHost({ config }))
  assert.deepEqual(levels(untried.slice(0, 3)), { nf_tables: 'ok', bridge: 'ok', veth: 'ok' })
  assert.equal((await checkNetwork(fakeHost()))[0]?.level, 'warn')
})

test('refuses a full disk and file systems that overlay cannot use', async () => {
  const layout = layoutOf('/srv/x')
  const full = await checkStorage(fakeHost({ fileSystem: { freeBytes: 1e8 } }), layout)
  assert.equal(levels(full)['disk space'], 'fail')
  for (const [type, level] of [
    [0x794c7630, 'fail'],
    [0x6969, 'fail'],
    [0x01021994, 'warn'],
    [0x1234, 'warn'],
    [0x58465342, 'ok'],
  ] as const)
    assert.equal(
      levels(await checkStorage(fakeHost({ fileSystem: { type } }), layout))['file system'],
      level,
      String(type),
    )
  assert.equal(levels(await checkStorage(fakeHost(), layoutOf(`/${'x'.repeat(100)}`)))['socket paths'], 'fail')
})

test('finds what is missing of the installation', () => {
  const built = {
    '/s/image-store/dist/main.js': '',
    '/s/image-store/native/build/caisson-layer': '',
    '/s/network/src/main.ts': '',
    '/s/network/native/build/netlink.node': '',
    '/s/network/native/build/caisson-resolver': '',
    '/s/runtime/dist/main.js': '',
  }
  assert.deepEqual(levels(checkInstallation(fakeHost({ files: built, root: false }), '/s', 'v22.1.0')), {
    node: 'fail',
    user: 'fail',
    'service image-store': 'ok',
    'service network': 'warn',
    'service runtime': 'fail',
  })
})

test('warns of small limits', () => {
  const files = {
    '/proc/self/limits':
      'Limit  Soft  Hard  Units\nMax open files            1024                 4096                 files\n',
    '/proc/sys/kernel/pid_max': '32768\n',
    '/proc/sys/user/max_net_namespaces': '100\n',
  }
  assert.deepEqual(levels(checkLimits(fakeHost({ files }))), {
    'open files': 'warn',
    processes: 'ok',
    'network namespaces': 'warn',
    'inotify instances': 'warn',
  })
})
