import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import type { LinuxConfig, RuntimeSpec } from '@caisson/oci'
import { LaunchStep } from '../../src/monitor/message.ts'
import { Bench, namespaces, type SpecChange, skipReason } from './harness.fixture.ts'

const skip = skipReason()

const commandOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

type Namespaces = NonNullable<LinuxConfig['namespaces']>

const withLinux =
  (change: LinuxConfig): SpecChange =>
  (spec: RuntimeSpec) => ({ ...spec, linux: { ...spec.linux, ...change } })

/** The same container with the ids of the host. */
const hostUsers: SpecChange = (spec) => {
  const { uidMappings: _uids, gidMappings: _gids, ...linux } = spec.linux ?? {}
  return { ...spec, linux: { ...linux, namespaces: namespaces().filter(({ type }) => type !== 'user') } }
}

const joining = (paths: Readonly<Partial<Record<Namespaces[number]['type'], string>>>): SpecChange =>
  withLinux({
    namespaces: namespaces().map(({ type }) => {
      const path = paths[type]
      return path === undefined ? { type } : { type, path }
    }),
  })

describe('namespaces of a container', { skip, timeout: 120_000 }, () => {
  let bench: Bench
  const netns = `caisson-native-${process.pid}`
  before(async () => {
    bench = await Bench.open()
    execFileSync('ip', ['netns', 'add', netns])
  })
  after(async () => {
    await bench.close()
    execFileSync('ip', ['netns', 'del', netns])
  })

  test('runs with the ids of the host, and is no less confined', async () => {
    const script =
      'id -u; cat /proc/self/uid_map; echo x >/proc/sys/kernel/core_pattern; ls /proc; cat /proc/self/status'
    const before = readFileSync('/proc/sys/kernel/core_pattern', 'utf8')
    const container = bench.run({ args: ['sh', '-c', script], spec: hostUsers })
    await container.exited()
    assert.match(container.output(), /^0\n\s+0\s+0\s+4294967295\n/)
    assert.match(container.output(2), /Read-only file system/)
    assert.match(container.output(), /CapBnd:\t00000000800405fb\n/)
    assert.equal(readFileSync('/proc/sys/kernel/core_pattern', 'utf8'), before)
  })

  test('refuses traps with the ids of the host as well', async () => {
    const path = bench.makeRoot()
    execFileSync('sh', ['-c', `rmdir ${path}/proc && ln -s /tmp ${path}/proc`])
    const failed = await bench.run({ spec: hostUsers, settings: { root: { kind: 'bind', path } } }).failed()
    assert.equal(failed.step, LaunchStep.UNSAFE)
  })

  test('joins a network that is not its own, and sees it in /sys', async () => {
    execFileSync('ip', ['-n', netns, 'link', 'add', 'native0', 'type', 'bridge'])
    const container = bench.run({
      args: ['sh', '-c', 'ls /sys/class/net; readlink /proc/self/ns/net'],
      spec: joining({ network: `/run/netns/${netns}` }),
    })
    assert.equal((await container.exited()).exitCode, 0)
    assert.match(container.output(), /lo\nnative0\nnet:/)
  })

  test('leaves the monitor in the namespaces of the host', async () => {
    const container = bench.run({ args: ['sleep', '1000'], spec: joining({ network: `/run/netns/${netns}` }) })
    await container.event('started')
    for (const name of ['net', 'mnt', 'pid', 'ipc', 'uts', 'user', 'cgroup'])
      assert.equal(
        readlinkSync(`/proc/${container.monitorPid}/ns/${name}`),
        readlinkSync(`/proc/self/ns/${name}`),
        name,
      )
  })

  test('is held by private memory of under 200 kB', async () => {
    const container = bench.run({ args: ['sh', '-c', 'seq 1 5000; exec sleep 1000'] })
    container.client.subscribe(true)
    while (!container.output().includes('5000\n')) await container.next('log')
    const rollup = readFileSync(`/proc/${container.monitorPid}/smaps_rollup`, 'utf8')
    const kilobytes = [...rollup.matchAll(/^Private_\w+:\s+(\d+) kB/gm)].reduce(
      (sum, [, number]) => sum + Number(number),
      0,
    )
    assert.ok(kilobytes > 0 && kilobytes < 200, `${kilobytes} kB`)
  })

  test('shares ipc, uts, pid and user namespaces with another container', async () => {
    const first = bench.run({ args: ['sleep', '1000'] })
    await first.event('started')
    const of = (name: string) => `/proc/${first.pid}/ns/${name}`
    const shared = bench.run({
      args: [
        'sh',
        '-c',
        'readlink /proc/self/ns/ipc; readlink /proc/self/ns/uts; hostname; cat /proc/1/cmdline; cat /proc/self/uid_map',
      ],
      spec: (spec) => {
        const { hostname: _, ...rest } = joining({ ipc: of('ipc'), uts: of('uts'), pid: of('pid'), user: of('user') })(
          spec,
        )
        return rest
      },
    })
    const end = await shared.outcome()
    assert.ok('exitCode' in end, inspect(end))
    assert.equal(end.exitCode, 0, shared.output(2))
    const output = shared.output()
    assert.match(output, new RegExp(`^${readlinkSync(of('ipc')).replace(/[[\]]/g, '\\$&')}\n`))
    assert.match(output, /\nbox\nsleep/)
    assert.match(output, /0 +100000 +65536/)
  })

  test('kills what is left of a container that has the pids of the host', async () => {
    const container = bench.run({
      args: ['sh', '-c', 'sleep 987654 & echo started'],
      spec: withLinux({ namespaces: namespaces().filter(({ type }) => type !== 'pid') }),
    })
    const end = await container.outcome()
    if ('step' in end) {
      // The mount of /proc is not allowed in a user namespace that does not own the pid namespace.
      assert.equal(end.step, LaunchStep.MOUNT)
      return
    }
    assert.equal(await container.reap(), 0)
    const left = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandOf(pid).includes('987654'))
    assert.deepEqual(left, [])
  })

  test('writes settings of its own network and ipc, and of no other', async () => {
    const container = bench.run({
      args: ['sh', '-c', 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni /proc/sys/fs/mqueue/msg_max'],
      spec: withLinux({ sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.shmmni': '77', 'fs.mqueue.msg_max': '55' } }),
    })
    assert.equal((await container.exited()).exitCode, 0)
    assert.equal(container.output(), '1\n77\n55\n')
    const before = readFileSync('/proc/sys/kernel/core_pattern', 'utf8')
    const evil = bench.run({
      records: (records) => [...records, { type: 'sysctl', file: 'kernel/core_pattern', value: '|/evil' }],
    })
    const failed = await evil.failed()
    assert.equal(failed.step, LaunchStep.SYSCTL)
    assert.match(failed.message, /kernel\/core_pattern/)
    assert.equal(readFileSync('/proc/sys/kernel/core_pattern', 'utf8'), before)
    const shared = bench.run({
      spec: joining({ network: `/run/netns/${netns}` }),
      args: ['cat', '/proc/sys/net/ipv4/ip_forward'],
      records: (records) => [...records, { type: 'sysctl', file: 'net/ipv4/ip_forward', value: '1' }],
    })
    assert.equal((await shared.exited()).exitCode, 0)
    assert.equal(shared.output(), '1\n')
  })

  test('binds files and directories of the host, with the ids of the container', async () => {
    const source = join(bench.folder, 'volume')
    mkdirSync(join(source, 'inner'), { recursive: true })
    writeFileSync(join(source, 'file'), 'from the host\n')
    const binds =
      (flags: readonly string[]): SpecChange =>
      (spec) => ({
        ...spec,
        mounts: [
          ...(spec.mounts ?? []),
          { destination: '/made/deep/data', type: 'bind', source, options: ['rbind', ...flags] },
          { destination: '/etc/one', type: 'bind', source: join(source, 'file'), options: ['bind', 'ro', ...flags] },
        ],
      })
    const container = bench.run({
      args: [
        'sh',
        '-c',
        'cat /etc/one && echo new >/made/deep/data/new && stat -c %u /made/deep/data/new; echo x >/etc/one',
      ],
      spec: binds([]),
      settings: { fileSources: new Set([join(source, 'file')]) },
      records: (records) =>
        records.map((record) =>
          record.type === 'mount' && record.kind === 2 ? { ...record, flags: record.flags | 0x0200_0000 } : record,
        ),
    })
    await container.exited()
    assert.equal(container.output(), 'from the host\n0\n')
    assert.match(container.output(2), /Read-only file system/)
    assert.equal(statSync(join(source, 'new')).uid, 0)
  })

  test('makes a read-only bind read-only all the way down', async () => {
    const source = join(bench.folder, 'tree')
    mkdirSync(join(source, 'sub'), { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', 'none', join(source, 'sub')])
    try {
      const container = bench.run({
        args: ['sh', '-c', 'echo x >/data/sub/file'],
        spec: (spec) => ({
          ...spec,
          mounts: [
            ...(spec.mounts ?? []),
            { destination: '/data', type: 'bind', source, options: ['rbind', 'rro', 'ro'] },
          ],
        }),
      })
      const end = await container.outcome()
      assert.ok('exitCode' in end, inspect(end))
      assert.match(container.output(2), /Read-only file system/)
    } finally {
      execFileSync('umount', [join(source, 'sub')])
    }
    assert.equal(existsSync(join(source, 'sub', 'file')), false)
  })
})
