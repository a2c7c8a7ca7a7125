import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Partially } from '@caisson/api'
import { type ContainerSpec, MountKind, NamespaceMode } from '@caisson/api/container'
import { SandboxMode } from '@caisson/api/network'
import { containerSpec } from './container-spec.ts'
import { buildProgram } from './program.ts'

/** What `caisson run` would ask for. */
async function specOf(...words: string[]): Promise<Partially<ContainerSpec>> {
  let spec: Partially<ContainerSpec> | undefined
  const program = buildProgram((_spec, [image = '', ...cmd], options) => {
    spec = containerSpec(image, cmd, options, { rows: 30, columns: 100 })
  })
  await program.parseAsync(['node', 'caisson', 'run', ...words])
  assert.ok(spec)
  return spec
}

test('asks for nothing that was not said', async () => {
  const spec = await specOf('debian')
  assert.equal(spec.image, 'debian')
  assert.equal(spec.process?.cmd, undefined)
  assert.equal(spec.process?.entrypoint, undefined)
  assert.deepEqual(spec.network, { mode: SandboxMode.BRIDGE, ports: [], publishAll: false })
  assert.ok(Object.values(spec.resources ?? {}).every((value) => value === undefined))
  assert.equal(spec.security?.noNewPrivileges, undefined)
  assert.equal(spec.autoRemove, false)
})

test('leaves what follows the image to the program', async () => {
  const spec = await specOf('--rm', 'debian', 'ls', '-l', '--rm', '-e', 'x', '--', '--format', 'json')
  assert.deepEqual(spec.process?.cmd, { values: ['ls', '-l', '--rm', '-e', 'x', '--', '--format', 'json'] })
  assert.deepEqual(spec.process?.env, [])
})

test('reads short options that are written together', async () => {
  const spec = await specOf('-itm512m', '-eA=b', '-e', 'C=d', 'debian')
  assert.equal(spec.process?.tty, true)
  assert.equal(spec.process?.stdin, true)
  assert.deepEqual(spec.process?.terminalSize, { rows: 30, columns: 100 })
  assert.deepEqual(spec.process?.env, ['A=b', 'C=d'])
  assert.equal(spec.resources?.memoryBytes, 512 << 20)
})

test('closes the input with its only client, unless the user may come back to it', async () => {
  assert.equal((await specOf('-i', 'debian')).process?.stdinOnce, true)
  assert.equal((await specOf('-it', 'debian')).process?.stdinOnce, false)
  assert.equal((await specOf('-id', 'debian')).process?.stdinOnce, false)
})

test('tells an empty entrypoint from none', async () => {
  assert.deepEqual((await specOf('--entrypoint', '', 'debian', 'x')).process?.entrypoint, { values: [] })
  assert.deepEqual((await specOf('--entrypoint=/bin/tool', 'debian')).process?.entrypoint, { values: ['/bin/tool'] })
})

test('hands every kind of option on', async () => {
  const spec = await specOf(
    ...['-v', '/a:/b:ro', '--mount', 'type=tmpfs,target=/t', '--tmpfs', '/u', '--read-only', '--init', '--privileged'],
    ...['--memory-swap', '-1', '--cpus', '1.5', '--cpuset-cpus', '0-1', '--pids-limit', '-1', '--network', 'none'],
    ...['--cap-add', 'net_admin', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges=false', '--hostname', 'h'],
    ...['--label', 'a=b', '--ulimit', 'nofile=1:2', '--sysctl', 'net.core.somaxconn=9', '--shm-size', '1g'],
    ...['--storage-opt', 'size=2g'],
    ...['--stop-signal', 'SIGINT', '--stop-timeout', '3', '--userns', 'host', '--platform', 'linux/arm64'],
    ...['-w', '/w', '-u', '1:2', '--group-add', 'g', '--restart', 'always', '--device', '/dev/fuse', 'debian'],
  )
  assert.deepEqual(
    spec.mounts?.map((mount) => mount.kind),
    [MountKind.BIND, MountKind.TMPFS, MountKind.TMPFS],
  )
  assert.deepEqual(
    [spec.readOnlyRoot, spec.init, spec.security?.privileged, spec.security?.noNewPrivileges],
    [true, true, true, false],
  )
  assert.deepEqual(spec.resources, {
    memoryBytes: undefined,
    memorySwapBytes: -1,
    memoryReservationBytes: undefined,
    nanoCpus: 1_500_000_000,
    cpuShares: undefined,
    cpusetCpus: '0-1',
    pidsLimit: -1,
  })
  assert.deepEqual([spec.security?.capAdd, spec.security?.capDrop], [['NET_ADMIN'], ['ALL']])
  assert.deepEqual(spec.security?.userNamespace, { mode: NamespaceMode.HOST })
  assert.deepEqual([spec.hostname, spec.labels, spec.sysctls], ['h', { a: 'b' }, { 'net.core.somaxconn': '9' }])
  assert.deepEqual([spec.shmBytes, spec.stopSignal, spec.stopTimeoutSeconds], [1 << 30, 'SIGINT', 3])
  assert.equal(spec.storageBytes, 2 * 2 ** 30)
  await assert.rejects(specOf('--storage-opt', 'inodes=5', 'debian'), /there is size=/)
  assert.deepEqual([spec.process?.workingDir, spec.process?.user, spec.process?.groups], ['/w', '1:2', ['g']])
})

test('asks for names and name servers as they were given', async () => {
  const spec = await specOf(
    ...['--hostname', 'web', '--domainname', 'example.org', '--dns', '9.9.9.9', '--dns', 'fd00::53'],
    ...['--dns-search', 'lan', '--dns-option', 'ndots:2', '--add-host', 'host.lan:host-gateway'],
    ...['--network', 'front:alias=a,alias=b', '--network-alias', 'c', 'debian'],
  )
  assert.deepEqual([spec.hostname, spec.domainname], ['web', 'example.org'])
  assert.deepEqual(spec.network?.dns, {
    servers: ['9.9.9.9', 'fd00::53'],
    search: ['lan'],
    options: ['ndots:2'],
    extraHosts: { 'host.lan': 'host-gateway' },
  })
  assert.deepEqual(spec.network?.attachments?.[0]?.aliases, ['a', 'b', 'c'])
  await assert.rejects(specOf('--dns', 'dns.example.org', 'debian'), { message: /--dns/ })
})
