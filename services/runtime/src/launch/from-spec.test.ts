import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuntimeSpec } from '@caisson/oci'
import { placeContainer } from '../cgroup/index.ts'
import { compileSeccomp } from '../seccomp/compile.ts'
import { DEFAULT_SECCOMP_PROFILE } from '../seccomp/default-profile.ts'
import { DEFAULT_CAPABILITIES } from './capabilities.ts'
import { DEFAULT_MASKED_PATHS } from './defaults.ts'
import { execRecords, type LaunchSettings, launchRecords } from './from-spec.ts'
import type { PlanRecord, PlanRecordOf, PlanRecordType } from './plan.ts'
import { decodePlan } from './plan-decode.ts'
import { encodePlan } from './plan-encode.ts'
import { LAUNCH_FLAG, MOUNT_FLAG, MOUNT_KIND } from './plan-format.ts'
import { hybridHost, mapping, ordinarySpec } from './spec.fixture.ts'

const settings: LaunchSettings = {
  root: { kind: 'overlay', lowerDirs: ['/l/2', '/l/1'], upperDir: '/u/up', workDir: '/u/work', options: 'volatile' },
  cgroup: { host: hybridHost, placement: placeContainer(hybridHost, 'id') },
  log: { segmentBytes: 1 << 20, segments: 5 },
  seccomp: compileSeccomp(DEFAULT_SECCOMP_PROFILE, {
    architecture: 'SCMP_ARCH_X86_64',
    capabilities: new Set(DEFAULT_CAPABILITIES),
    kernel: [6, 18],
  }),
  hasInit: true,
  hasBarrier: true,
  clampsRlimits: true,
}

const spec = ordinarySpec

const of = <T extends PlanRecordType>(records: readonly PlanRecord[], type: T): PlanRecordOf<T>[] =>
  records.filter((record): record is PlanRecordOf<T> => record.type === type)

test('turns the spec of an ordinary container into a whole plan that can be written and read back', () => {
  const records = launchRecords(spec, settings)
  assert.deepEqual(
    decodePlan(encodePlan(records)).map((record) => record.type),
    records.map((record) => record.type),
  )
  const { launch, noNewPrivs, barrier, clampRlimits } = { launch: of(records, 'launch'), ...LAUNCH_FLAG }
  assert.deepEqual(launch, [{ type: 'launch', kind: 1, flags: noNewPrivs | barrier | clampRlimits }])
  assert.deepEqual(of(records, 'namespaces'), [{ type: 'namespaces', flags: 0x3e02_0000 }])
  assert.deepEqual(of(records, 'join'), [{ type: 'join', flag: 0x4000_0000, path: '/run/ns/1' }])
  assert.deepEqual(of(records, 'uidMap'), [{ type: 'uidMap', inside: 0, outside: 100_000, count: 65_536 }])
  assert.deepEqual(of(records, 'rootOverlay'), [
    {
      type: 'rootOverlay',
      flags: MOUNT_FLAG.idmap | MOUNT_FLAG.noDev,
      upperDir: '/u/up',
      workDir: '/u/work',
      options: 'volatile',
      lowers: ['/l/2', '/l/1'],
    },
  ])
  assert.deepEqual(of(records, 'sysctl'), [{ type: 'sysctl', file: 'net/ipv4/ip_forward', value: '1' }])
  assert.deepEqual(of(records, 'user'), [{ type: 'user', flags: 1, name: '0:0' }])
  assert.equal(of(records, 'capabilities')[0]?.bounding, 0x8004_05fbn)
  assert.equal(of(records, 'capabilities')[0]?.ambient, 0n)
  assert.equal(of(records, 'mask').length, DEFAULT_MASKED_PATHS.length)
  assert.equal(of(records, 'init').length, 1)
})

test('makes the default mounts, nodes and links of /dev', () => {
  const records = launchRecords(spec, settings)
  const mounts = of(records, 'mount').map(({ target, kind, source, options }) => [target, kind, source, options])
  assert.deepEqual(mounts, [
    ['/proc', MOUNT_KIND.fs, 'proc', ''],
    ['/dev', MOUNT_KIND.dev, 'tmpfs', 'mode=755,size=65536k'],
    ['/dev/pts', MOUNT_KIND.fs, 'devpts', 'newinstance,ptmxmode=0666,mode=0620,gid=5,max=1024'],
    ['/sys', MOUNT_KIND.sysfs, '', ''],
    [
      '/sys/fs/cgroup',
      MOUNT_KIND.cgroup,
      '',
      'cpu,cpuacct=cpu,cpuacct;devices=devices;pids=pids;systemd=none,name=systemd;unified=v2',
    ],
    ['/dev/mqueue', MOUNT_KIND.fs, 'mqueue', ''],
    ['/dev/shm', MOUNT_KIND.fs, 'tmpfs', 'mode=1777,size=65536k'],
  ])
  assert.deepEqual(
    of(records, 'devNode').map(({ name }) => name),
    ['null', 'zero', 'full', 'random', 'urandom', 'tty'],
  )
  assert.deepEqual(
    of(records, 'devLink').map(({ name }) => name),
    ['fd', 'stdin', 'stdout', 'stderr', 'ptmx', 'core'],
  )
})

test('takes from the host what cannot be mounted anew, and sweeps where processes outlive the first', () => {
  const namespaces = (['mount', 'user', 'uts'] as const).map((type) => ({ type }))
  const linux = { ...spec.linux, namespaces, sysctl: {} }
  const records = launchRecords({ ...spec, linux }, settings)
  const binds = of(records, 'mount').filter(({ kind }) => kind === MOUNT_KIND.bind)
  assert.deepEqual(
    binds.map(({ source }) => source),
    ['/proc', '/sys/fs/cgroup', '/dev/mqueue'],
  )
  assert.ok(binds.every(({ flags }) => (flags & MOUNT_FLAG.recursive) !== 0))
  assert.ok(((of(records, 'launch')[0]?.flags ?? 0) & LAUNCH_FLAG.killCgroup) !== 0)
})

test('leaves the group of terminals out where the container has no such id', () => {
  const small = [{ containerID: 0, hostID: 100_000, size: 1 }]
  const linux = { ...spec.linux, uidMappings: small, gidMappings: small }
  const pts = of(launchRecords({ ...spec, linux }, settings), 'mount').find(({ target }) => target === '/dev/pts')
  assert.equal(pts?.options, 'newinstance,ptmxmode=0666,mode=0620,max=1024')
})

test('binds files as files, and maps ids where asked', () => {
  const mounts = [
    { destination: '/etc/hosts', type: 'bind', source: '/s/hosts', options: ['rbind', 'ro', 'idmap'] },
    {
      destination: 'data',
      source: '/s/data',
      options: ['rbind', 'nosuid'],
      uidMappings: mapping,
      gidMappings: mapping,
    },
  ]
  const records = launchRecords({ ...spec, mounts }, { ...settings, fileSources: new Set(['/s/hosts']) })
  const { file, readOnly, idmap, noSuid, recursive } = MOUNT_FLAG
  assert.deepEqual(
    of(records, 'mount').map(({ target, flags }) => [target, flags]),
    [
      ['/etc/hosts', file | readOnly | idmap],
      ['/data', noSuid | idmap | recursive],
    ],
  )
})

test('adds devices to /dev, and puts them in the place of the usual ones', () => {
  const devices = [
    { type: 'c', path: '/dev/net/tun', major: 10, minor: 200, fileMode: 0o600, uid: 1, gid: 2 },
    { type: 'b', path: '/dev/null', major: 7, minor: 0 },
  ] as const
  const records = launchRecords({ ...spec, linux: { ...spec.linux, devices } }, settings)
  const nodes = of(records, 'devNode')
  assert.equal(nodes.filter(({ name }) => name === 'null').length, 1)
  assert.deepEqual(nodes.slice(-2), [
    { type: 'devNode', mode: 0o020600, major: 10, minor: 200, uid: 1, gid: 2, name: 'net/tun' },
    { type: 'devNode', mode: 0o060666, major: 7, minor: 0, uid: 0, gid: 0, name: 'null' },
  ])
  const hostDev = { destination: '/dev', type: 'bind', source: '/dev', options: ['rbind'] }
  const linux = { ...spec.linux, devices }
  const bound = launchRecords({ ...spec, linux, mounts: [...spec.mounts, hostDev] }, settings)
  assert.deepEqual(of(bound, 'devNode'), [])
  assert.throws(() => launchRecords({ ...spec, linux, mounts: [] }, settings), { reason: 'LAUNCH_UNSUPPORTED' })
  for (const path of ['/etc/x', '/dev/', '/dev/../etc/x', '/dev/a//b', '/dev/./a', '/dev/fd', '/dev/a/..', 'x']) {
    const bad = { ...spec, linux: { ...spec.linux, devices: [{ type: 'c', path, major: 1, minor: 3 } as const] } }
    assert.throws(() => launchRecords(bad, settings), { reason: 'DEVICE_INVALID' }, path)
  }
})

test('passes the terminal, stdin, user and groups on', () => {
  const process = {
    ...spec.process,
    terminal: true,
    consoleSize: { height: 40, width: 120 },
    user: { umask: 0o27, additionalGids: [7] },
  }
  const chosen = {
    ...settings,
    stdin: 'once',
    user: 'web:www',
    groups: ['audio'],
    refusesRoot: true,
    makesWorkingDir: true,
  } as const
  const records = launchRecords({ ...spec, process }, chosen)
  assert.deepEqual(of(records, 'stdio'), [{ type: 'stdio', flags: 7, rows: 40, columns: 120 }])
  assert.deepEqual(of(records, 'user'), [{ type: 'user', flags: 3, name: 'web:www' }])
  assert.deepEqual(
    of(records, 'group').map(({ name }) => name),
    ['7', 'audio'],
  )
  assert.deepEqual(of(records, 'umask'), [{ type: 'umask', mask: 0o27 }])
  assert.deepEqual(of(records, 'cwd'), [{ type: 'cwd', flags: 1, path: '/' }])
})

test('makes a read-only root of layers or of a directory', () => {
  const readOnly = { ...spec, root: { path: 'x', readonly: true } }
  const overlay = { kind: 'overlay', lowerDirs: ['/l'], upperDir: '', workDir: '', allowsDevices: true } as const
  const flags = MOUNT_FLAG.readOnly | MOUNT_FLAG.idmap
  assert.equal(of(launchRecords(readOnly, { ...settings, root: overlay }), 'rootOverlay')[0]?.flags, flags)
  const bind = launchRecords(readOnly, { ...settings, root: { kind: 'bind', path: '/r' } })
  assert.deepEqual(of(bind, 'rootBind'), [{ type: 'rootBind', flags: flags | MOUNT_FLAG.noDev, path: '/r' }])
})

test('joins a user namespace whose maps it is told', () => {
  const namespaces = [{ type: 'mount' } as const, { type: 'user', path: '/proc/7/ns/user' } as const]
  const linux = { namespaces, uidMappings: mapping, gidMappings: mapping }
  const records = launchRecords({ ...spec, mounts: [], hostname: '', linux }, settings)
  assert.deepEqual(of(records, 'join'), [{ type: 'join', flag: 0x1000_0000, path: '/proc/7/ns/user' }])
  assert.equal(of(records, 'gidMap').length, 1)
  for (const bad of [{ namespaces }, { ...linux, namespaces: [{ type: 'mount' } as const] }]) {
    assert.throws(() => launchRecords({ ...spec, mounts: [], hostname: '', linux: bad }, settings), {
      reason: 'NAMESPACE_INVALID',
    })
  }
})

test('shares as much with the host as one of its mounts wants', () => {
  const bind = (...options: string[]) => ({
    destination: '/m',
    type: 'bind',
    source: '/m',
    options: ['rbind', ...options],
  })
  const propagation = (...mounts: ReturnType<typeof bind>[]) =>
    of(launchRecords({ ...spec, mounts }, settings), 'rootPropagation').map((record) => record.propagation)
  assert.deepEqual(propagation(bind(), bind('rprivate')), [])
  assert.deepEqual(propagation(bind(), bind('rslave')), [1 << 19])
  assert.deepEqual(propagation(bind('slave'), bind('rshared')), [1 << 20])
})

test('joins an exec to the namespaces and groups of its container', () => {
  const target = { pid: 77, startTime: 5n, namespaces: spec.linux.namespaces }
  const records = execRecords({ cwd: '/', args: ['id'] }, { target, placement: settings.cgroup.placement })
  assert.deepEqual(of(records, 'launch'), [{ type: 'launch', kind: 2, flags: 0 }])
  assert.deepEqual(of(records, 'execTarget'), [{ type: 'execTarget', pid: 77, startTime: 5n, namespaces: 0x7e02_0000 }])
  assert.equal(of(records, 'cgroupDir').length, 5)
  assert.equal(of(records, 'capabilities')[0]?.effective, 0n)
  assert.ok(encodePlan(records).length > 0)
})

test('refuses what it cannot apply, and says what', () => {
  const { process, linux } = spec
  const bad: [RuntimeSpec, string, RegExp][] = [
    [{ ociVersion: '1.3.0' }, 'LAUNCH_UNSUPPORTED', /process/],
    [{ ...spec, hooks: { prestart: [{ path: '/x' }] } }, 'LAUNCH_UNSUPPORTED', /hooks/],
    [{ ...spec, linux: { ...linux, personality: { domain: 'LINUX32' } } }, 'LAUNCH_UNSUPPORTED', /personality/],
    [{ ...spec, linux: { ...linux, rootfsPropagation: 'unbindable' } }, 'LAUNCH_UNSUPPORTED', /rootfsPropagation/],
    [{ ...spec, hostname: 'a\nb' }, 'LAUNCH_UNSUPPORTED', /hostname/],
    [{ ...spec, process: { ...process, args: [] } }, 'PROCESS_INVALID', /no command/],
    [{ ...spec, process: { ...process, args: ['x'.repeat(131_072)] } }, 'PROCESS_INVALID', /131071/],
    [{ ...spec, process: { ...process, env: ['NAME'] } }, 'PROCESS_INVALID', /NAME=value/],
    [{ ...spec, process: { ...process, env: ['=x'] } }, 'PROCESS_INVALID', /NAME=value/],
    [{ ...spec, process: { ...process, cwd: 'tmp' } }, 'PROCESS_INVALID', /absolute/],
    [{ ...spec, process: { ...process, user: { uid: 2 ** 32 - 1 } } }, 'PROCESS_INVALID', /out of range/],
    [{ ...spec, process: { ...process, oomScoreAdj: 1001 } }, 'PROCESS_INVALID', /1001/],
    [{ ...spec, process: { ...process, apparmorProfile: 'x' } }, 'PROCESS_INVALID', /apparmorProfile/],
    [{ ...spec, process: { ...process, capabilities: { bounding: ['CAP_X'] } } }, 'CAPABILITY_UNKNOWN', /CAP_X/],
    [{ ...spec, linux: { ...linux, namespaces: [{ type: 'pid' }] } }, 'NAMESPACE_INVALID', /mount/],
    [
      { ...spec, linux: { ...linux, namespaces: [{ type: 'mount' }, { type: 'mount' }] } },
      'NAMESPACE_INVALID',
      /twice/,
    ],
    [{ ...spec, linux: { ...linux, gidMappings: [] } }, 'NAMESPACE_INVALID', /group ids/],
    [{ ...spec, linux: { ...linux, uidMappings: [...mapping, ...mapping] } }, 'NAMESPACE_INVALID', /overlap/],
    [{ ...spec, linux: { ...linux, maskedPaths: ['/proc/../etc'] } }, 'CONTAINER_PATH_INVALID', /plain/],
    [{ ...spec, linux: { ...linux, resources: { memory: { limit: 1 } } } }, 'CGROUP_CONTROLLER_MISSING', /memory/],
  ]
  for (const [each, reason, message] of bad) assert.throws(() => launchRecords(each, settings), { reason, message })
})
