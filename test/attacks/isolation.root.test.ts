import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { after, before, test } from 'node:test'
import { MountKind, NamespaceMode } from '@caisson/api/container'
import { ExecsDefinition } from '@caisson/api/exec'
import { SandboxMode } from '@caisson/api/network'
import { runContainer, type TestEngine } from '@caisson/testkit'
import { attackEngine, hostDigest, importProbe, MODES, probe, skip, words } from './attack-fixture.ts'

const { EPERM, EACCES, ENOENT, ETXTBSY, EROFS } = constants.errno
const MASKED_FILES = [
  'kcore',
  'keys',
  'timer_list',
  'kallsyms',
  'kmsg',
  'config.gz',
  'modules',
  'sysrq-trigger',
  'interrupts',
  'sched_debug',
  'latency_stats',
  'timer_stats',
  'kpagecount',
  'kpageflags',
]
const MASKED_DIRECTORIES = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
  '/sys/kernel/debug',
  '/sys/kernel/tracing',
  '/sys/kernel/security',
  '/sys/fs/bpf',
  '/sys/power',
  '/sys/module',
  '/sys/kernel/btf',
]

let engine: TestEngine
let before_: string

before(async () => {
  if (skip) return
  engine = await attackEngine()
  before_ = hostDigest()
})

after(async () => {
  if (skip) return
  await engine[Symbol.asyncDispose]()
  assert.equal(hostDigest(), before_, 'files and settings of the host are as they were')
})

for (const { name, security } of MODES) {
  test(`hands no descriptor to a program in ${name}`, { skip }, async () => {
    const ran = await probe(engine, ['fds'], { security })
    assert.deepEqual(
      words(ran.stdout)
        .map(([fd]) => fd)
        .sort(),
      ['0', '1', '2'],
    )
  })

  test(`hides what tells of the host in ${name}, and keeps it hidden`, { skip }, async () => {
    const paths = [...MASKED_FILES.map((file) => `/proc/${file}`), ...MASKED_DIRECTORIES]
    const ran = await probe(engine, ['read', ...paths], { security })
    for (const [path, errno, bytes] of words(ran.stdout))
      assert.ok([EACCES, ENOENT, EPERM].includes(Number(errno)) || bytes === '0', `${path} gives ${bytes} bytes`)
    for (const path of ['/proc/kcore', '/proc/acpi', '/proc/sys', '/sys/firmware']) {
      const gone = await probe(engine, ['umount', path], { security })
      assert.notEqual(words(gone.stdout)[0]?.[1], '0', `${path} was unmounted`)
    }
  })

  test(`lets nothing in /proc/sys or /sys be written in ${name}`, { skip }, async () => {
    const targets = [
      '/proc/sys/kernel/core_pattern',
      '/proc/sys/vm/overcommit_memory',
      '/proc/sysrq-trigger',
      '/proc/1/oom_score_adj_none',
      '/sys/kernel/mm/transparent_hugepage/enabled',
    ]
    for (const path of targets) {
      const ran = await probe(engine, ['write', path, '|/evil'], { security })
      assert.notEqual(words(ran.stdout)[0]?.[1], '0', `${path} was written`)
    }
  })

  test(`gives no block device in ${name}, made or brought along`, { skip }, async () => {
    const { dev } = statSync('/')
    const [major, minor] = [(dev >> 8) & 0xfff, dev & 0xff]
    const made = await probe(engine, ['mknod', '/tmp/disk', String(major), String(minor)], { security })
    const asked = await probe(engine, ['mknod', '/tmp/disk', String(major), String(minor)], {
      security: { ...security, capAdd: ['MKNOD'] },
    })
    for (const ran of [made, asked])
      assert.notEqual(words(ran.stdout).find(([what]) => what === 'read')?.[1], '0', ran.stdout)
    await importProbe(engine, 'with-device', [{ path: 'disk', type: 'char', major: 1, minor: 1 }])
    const brought = await runContainer(
      engine,
      { image: 'with-device', security, network: { mode: SandboxMode.NONE } },
      ['/probe', 'read', '/disk'],
    )
    assert.notEqual(words(brought.stdout)[0]?.[1], '0')
  })

  test(`runs with few capabilities and no way to more in ${name}`, { skip }, async () => {
    const ran = await probe(engine, ['ids'], { security })
    const value = (key: string): string => words(ran.stdout).find(([name_]) => name_ === key)?.[1] ?? ''
    // CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT SETFCAP
    assert.equal(value('CapBnd:'), '00000000800405fb')
    assert.equal(value('CapInh:'), '0000000000000000')
    assert.equal(value('CapAmb:'), '0000000000000000')
    assert.equal(value('NoNewPrivs:'), '1')
    assert.equal(value('Seccomp:'), '2')
    const user = await probe(engine, ['ids'], { security, process: { user: '1000' } })
    assert.equal(words(user.stdout).find(([key]) => key === 'CapEff:')?.[1], '0000000000000000')
  })

  test(`cannot change what runs as its process 1 in ${name}`, { skip }, async () => {
    for (const init of [false, true]) {
      const ran = await probe(engine, ['self'], { security, init })
      for (const [what, errno] of words(ran.stdout))
        assert.ok([ETXTBSY, EROFS, EPERM, EACCES].includes(Number(errno)), `${what} ${errno}`)
    }
  })
}

test('maps every container to ids of its own', { skip }, async () => {
  const ids = await Promise.all(
    ['a', 'b'].map(async (name) => {
      const { id } = await engine.containers.create({
        name,
        spec: { image: 'probe', network: { mode: SandboxMode.NONE }, process: { cmd: { values: ['sleep', '100'] } } },
      })
      const { pid } = await engine.containers.start({ container: id })
      return { id, map: readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().split(/\s+/).map(Number), pid }
    }),
  )
  const [first, second] = ids.map(({ map }) => map[1] ?? 0)
  assert.ok(ids.every(({ map }) => map[0] === 0 && map[2] === 65_536 && (map[1] ?? 0) >= 65_536))
  assert.ok(Math.abs((first ?? 0) - (second ?? 0)) >= 65_536)
  const other = ids[1]
  const seen = await probe(engine, ['read', `/proc/${other?.pid}/root/etc/passwd`], {
    pidNamespace: { mode: NamespaceMode.HOST },
  })
  assert.notEqual(words(seen.stdout)[0]?.[1], '0', 'another container was read through the host pid namespace')
  for (const { id } of ids) await engine.containers.remove({ container: id, force: true })
})

test('refuses roots whose /proc or /sys is a link, and resolves /dev inside', { skip }, async () => {
  for (const name of ['proc', 'sys', 'dev'])
    for (const [kind, target] of Object.entries({
      absolute: '/etc',
      relative: '../../../../etc',
      host: '/root',
      dangling: '/nowhere',
    })) {
      const reference = `link-${name}-${kind}`
      await importProbe(engine, reference, [{ path: name, type: 'symlink', target }])
      const ran = await runContainer(engine, { image: reference, network: { mode: SandboxMode.NONE } }, ['true']).catch(
        (error: unknown) => error,
      )
      if (name === 'dev') continue
      assert.ok(
        ran instanceof Error && 'reason' in ran && ran.reason === 'UNSAFE_CONTENT',
        `${reference}: ${String(ran)}`,
      )
    }
})

test('writes its own files only inside the root, whatever the image has in their place', { skip }, async () => {
  for (const [kind, entry] of Object.entries({
    absolute: { path: 'etc/hosts', type: 'symlink', target: '/etc/caisson-canary' },
    upward: { path: 'etc/resolv.conf', type: 'symlink', target: '../../../../etc/caisson-canary' },
    fifo: { path: 'etc/hostname', type: 'fifo' },
    directory: { path: 'etc/hosts', type: 'directory' },
  } as const)) {
    await importProbe(engine, `files-${kind}`, [entry])
    await runContainer(engine, { image: `files-${kind}` }, ['true']).catch((error: unknown) =>
      assert.ok(error instanceof Error && !/internal/.test(error.message), String(error)),
    )
    assert.ok(!readdirSync('/etc').includes('caisson-canary'))
  }
})

test('reads users only from small regular files of the image', { skip }, async () => {
  const huge = Buffer.alloc(8 << 20, 'root:x:0:0::/:/bin/sh\n')
  for (const [kind, entry] of Object.entries({
    huge: { path: 'etc/passwd', content: huge },
    device: { path: 'etc/passwd', type: 'symlink', target: '/dev/zero' },
    fifo: { path: 'etc/passwd', type: 'fifo' },
    host: { path: 'etc/passwd', type: 'symlink', target: '/../../../etc/shadow' },
  } as const)) {
    await importProbe(engine, `passwd-${kind}`, [entry])
    const begun = Date.now()
    await assert.rejects(
      runContainer(
        engine,
        { image: `passwd-${kind}`, network: { mode: SandboxMode.NONE }, process: { user: 'someone' } },
        ['true'],
      ),
      kind,
    )
    // It reads a limited part of what is there; all of it would take minutes, or for ever.
    assert.ok(Date.now() - begun < 30_000, `${kind} took ${Date.now() - begun} ms`)
  }
})

test('takes numbers of users as numbers, never as names', { skip }, async () => {
  await importProbe(engine, 'numeric', [
    { path: 'etc/passwd', content: 'root:x:0:0::/:/bin/sh\n1000:x:0:0::/:/bin/sh\n' },
  ])
  const ran = await runContainer(
    engine,
    { image: 'numeric', network: { mode: SandboxMode.NONE }, process: { user: '1000' } },
    ['id', '-u'],
  )
  assert.equal(ran.stdout, '1000\n')
})

test('keeps a fork bomb inside its limit', { skip, timeout: 60_000 }, async () => {
  const { id } = await engine.containers.create({
    spec: {
      image: 'probe',
      network: { mode: SandboxMode.NONE },
      resources: { pidsLimit: 64 },
      process: { cmd: { values: ['sh', '-c', 'b() { b | b & }; b; sleep 100'] } },
    },
  })
  await engine.containers.start({ container: id })
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const others = await runContainer(engine, { image: 'probe', network: { mode: SandboxMode.NONE } }, ['true'])
  assert.equal(others.exit.exitCode, 0)
  for await (const { containers } of engine.containers.stats({ containers: [id] })) {
    assert.ok((containers[0]?.pids ?? 0) <= 64)
    break
  }
  await engine.containers.remove({ container: id, force: true })
})

test('has terminals of its own, a limited number, and none of the host', { skip }, async () => {
  const ran = await probe(engine, ['ptys'], { process: { rlimits: [{ name: 'nofile', soft: 4_096, hard: 4_096 }] } })
  const count = Number(words(ran.stdout)[0]?.[1])
  assert.ok(count > 0 && count <= 1_024, `${count} terminals`)
})

test('puts nothing into the input of a terminal', { skip }, async () => {
  const ran = await probe(engine, ['tiocsti'], { process: { tty: true } })
  assert.equal(words(ran.stdout)[0]?.[1], String(EPERM))
})

test('binds read-only with everything below, and nobody undoes it inside', { skip }, async () => {
  const mounts = [{ kind: MountKind.BIND, source: '/usr/share', target: '/mnt', readOnly: true }]
  const ran = await runContainer(engine, { image: 'probe', network: { mode: SandboxMode.NONE }, mounts }, [
    'sh',
    '-c',
    'touch /mnt/x 2>&1; /probe remount /mnt; touch /mnt/x 2>&1',
  ])
  assert.match(ran.stdout, /Read-only file system|Permission denied/)
  assert.doesNotMatch(ran.stdout, /remount 0/)
})

test('puts an exec into the cgroups of its container before its first instruction', {
  skip,
  timeout: 60_000,
}, async () => {
  const { id } = await engine.containers.create({
    spec: { image: 'probe', network: { mode: SandboxMode.NONE }, process: { cmd: { values: ['sleep', '100'] } } },
  })
  const { pid } = await engine.containers.start({ container: id })
  const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
  const execs = engine.channel('runtime').client(ExecsDefinition)
  for (let i = 0; i < 20; i++) {
    const over = Promise.withResolvers<void>()
    let inner = ''
    const requests = async function* (): AsyncGenerator<object> {
      yield {
        item: {
          $case: 'target',
          value: { exec: { $case: 'spec', value: { container: id, process: { cmd: { values: ['sleep', '0.05'] } } } } },
        },
      }
      await over.promise
    }
    const stream = execs.attach(requests() as never)[Symbol.asyncIterator]()
    await stream.next()
    const { processes } = await engine.containers.top({ container: id })
    const child = processes.find(({ command }) => command.startsWith('sleep 0.05'))
    if (child) inner = readFileSync(`/proc/${child.pid}/cgroup`, 'utf8')
    over.resolve()
    for (;;) if ((await stream.next()).done) break
    if (inner !== '') assert.equal(inner, groups)
  }
  await engine.containers.remove({ container: id, force: true })
})

test('lets a container with the network of the host reach no socket of the engine', { skip }, async () => {
  const ran = await runContainer(engine, { image: 'probe', network: { mode: SandboxMode.HOST } }, [
    'sh',
    '-c',
    `cat /proc/net/unix | grep -a "@.*caisson"; ls ${engine.root} 2>&1`,
  ])
  assert.doesNotMatch(ran.stdout, /@.*caisson/)
  assert.match(ran.stdout, /No such file/)
})

test('keeps state folders closed to other users of the host', { skip }, async () => {
  for (const service of ['image-store', 'runtime', 'network'])
    assert.equal(statSync(`${engine.root}/${service}`).mode & 0o077, 0, `${service} is open`)
})
