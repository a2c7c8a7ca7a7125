import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { busyboxRootfs, CaissonCommand, debianRootfs, inNamespaces, needsBusybox } from '@caisson/testkit'

// Made before the network is left behind.
const debian = debianRootfs()
const skip = inNamespaces() || needsBusybox()
let caisson: CaissonCommand

before(() => {
  if (skip) return
  caisson = new CaissonCommand()
  const up = caisson.run(['up', '-d'])
  assert.equal(up.code, 0, up.err)
  const imported = caisson.run(['import', '-', 'busybox'], busyboxRootfs())
  assert.equal(imported.code, 0, imported.err)
})

after(() => {
  if (skip) return
  caisson.removeContainers()
  assert.equal(caisson.run(['down']).code, 0)
  rmSync(caisson.root, { recursive: true, force: true })
})

test('runs a command in a Debian root file system', {
  skip: skip || (debian === undefined && 'needs mmdebstrap and a mirror'),
}, () => {
  const imported = caisson.run(['import', debian ?? '', 'debian'])
  assert.equal(imported.code, 0, imported.err)
  const ran = caisson.run(['run', '--rm', 'debian', 'cat', '/etc/os-release'])
  assert.equal(ran.code, 0, ran.err)
  assert.match(ran.out, /^PRETTY_NAME="Debian GNU\/Linux 12/)
  assert.equal(
    caisson.run(['run', '--rm', 'debian', 'bash', '-c', 'apt-get --version >/dev/null && perl -e "exit 6"']).code,
    6,
  )
})

test('gives an interactive shell: typing, sizes, Ctrl-C, and the code it exits with', { skip }, () => {
  const ran = caisson.onTerminal(
    ['run', '-it', '--rm', 'busybox', 'sh'],
    [
      { wait: '# ' },
      { type: 'stty size; echo on-$(tty)\n' },
      { wait: 'on-/dev/' },
      { wait: '# ' },
      { size: [41, 123] },
      { type: 'stty size\n' },
      { wait: '41 123' },
      { wait: '# ' },
      { type: 'echo st""art; sleep 1000\n' },
      { wait: 'start' },
      { type: '\x03' },
      { wait: '# ' },
      { type: 'exit 42\n' },
    ],
  )
  assert.match(ran.out, /33 99/)
  assert.match(ran.out, /41 123/)
  assert.equal(ran.code, 42, ran.out)
})

test('runs a service in the background, follows its logs, and stops it', { skip }, () => {
  const started = caisson.run([
    'run',
    '-d',
    '--name',
    'ticker',
    'busybox',
    'sh',
    '-c',
    'i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.1; done',
  ])
  assert.equal(started.code, 0, started.err)
  assert.match(started.out, /^[0-9a-f]{64}\n$/)
  const [program, ...words] = caisson.words(['logs', '-f', 'ticker'])
  const followed = spawnSync(program, words, { timeout: 2_000 })
  assert.match(followed.stdout.toString(), /^tick 1\ntick 2\ntick 3\n/)
  const listed = JSON.parse(caisson.run(['ps', '--format', 'json']).out) as unknown[]
  assert.equal(listed.length, 1)
  assert.equal(caisson.run(['exec', 'ticker', 'sh', '-c', 'exit 5']).code, 5)
  assert.match(caisson.run(['top', 'ticker']).out, /sh -c/)
  assert.match(caisson.run(['stats', '--no-stream']).out, /ticker/)
  assert.equal(caisson.run(['stop', '-t', '1', 'ticker']).code, 0)
  assert.match(caisson.run(['inspect', 'ticker']).out, /"exit/)
  assert.equal(caisson.run(['rm', 'ticker']).code, 0)
})

test('ends with the codes that container people expect', { skip }, () => {
  const code = (...args: string[]): number | null => caisson.run(args).code
  assert.equal(code('run', '--rm', 'busybox', 'false'), 1)
  assert.equal(code('run', '--rm', 'busybox', '/no/such'), 127)
  assert.equal(code('run', '--rm', 'busybox', '/etc/passwd'), 126)
  assert.equal(code('run', '--rm', '--pull', 'never', 'no-such-image', 'true'), 125)
  assert.equal(code('run', '--rm', '--no-such-flag', 'busybox'), 125)
  assert.equal(code('run', '--rm', '--init', 'busybox', 'sh', '-c', 'kill -TERM $$'), 143)
  assert.equal(code('run', '--rm', '-m', '16m', 'busybox', 'tail', '/dev/zero'), 137)
})

test('says what is wrong and what to do, and nothing else', { skip }, () => {
  const refused = caisson.run(['run', '--rm', '--pull', 'never', 'no-such-image', 'true'])
  assert.match(refused.err, /^caisson: .*no-such-image/)
  assert.doesNotMatch(refused.err, /\n\s+at /)
  const elsewhere = new CaissonCommand({ root: join(caisson.root, 'nobody') }).run(['ps'])
  assert.equal(elsewhere.code, 125)
  assert.match(elsewhere.err, /not running.*caisson .*up -d/)
})

test('shows events, and goes on from a cursor', { skip }, () => {
  caisson.run(['run', '--rm', '--name', 'eventful', 'busybox', 'true'])
  const events = caisson.run(['events', '--no-follow', '--format', 'json'])
  assert.equal(events.code, 0, events.err)
  for (const type of ['container.created', 'container.started', 'container.exited', 'container.removed'])
    assert.match(events.out, new RegExp(type.replace('.', '\\.')))
})

test('keeps containers running while the services are down', { skip }, () => {
  const id = caisson.run(['run', '-d', 'busybox', 'sh', '-c', 'sleep 3; echo through; exit 4']).out.trim()
  assert.equal(caisson.run(['down']).code, 0)
  assert.equal(caisson.run(['ps']).code, 125)
  const up = caisson.run(['up', '-d'])
  assert.equal(up.code, 0, up.err)
  assert.equal(caisson.run(['wait', id]).out.trim(), '4')
  assert.equal(caisson.run(['logs', id]).out, 'through\n')
  caisson.run(['rm', id])
})

test('checks the host', { skip }, () => {
  const doctor = caisson.run(['doctor', '--format', 'json'])
  const checks = JSON.parse(doctor.out) as unknown[]
  assert.ok(checks.length >= 8)
  assert.equal(doctor.code, 0, doctor.out)
})

test('loads archives that other tools made', {
  skip: skip || (!existsSync('/usr/bin/skopeo') && 'needs skopeo') || (!existsSync('/usr/bin/umoci') && 'needs umoci'),
}, () => {
  const dir = mkdtempSync(join(tmpdir(), 'csn-load-'))
  try {
    execFileSync('umoci', ['init', '--layout', join(dir, 'oci')])
    execFileSync('umoci', ['new', '--image', `${join(dir, 'oci')}:v1`])
    writeFileSync(join(dir, 'rootfs.tar'), busyboxRootfs())
    execFileSync('umoci', ['raw', 'add-layer', '--image', `${join(dir, 'oci')}:v1`, join(dir, 'rootfs.tar')])
    execFileSync(
      'skopeo',
      [
        'copy',
        '--insecure-policy',
        `oci:${join(dir, 'oci')}:v1`,
        `docker-archive:${join(dir, 'docker.tar')}:from/skopeo:v1`,
      ],
      { stdio: 'ignore' },
    )
    execFileSync(
      'skopeo',
      ['copy', '--insecure-policy', `oci:${join(dir, 'oci')}:v1`, `oci-archive:${join(dir, 'oci.tar')}:from-oci`],
      { stdio: 'ignore' },
    )
    const docker = caisson.run(['load', '-i', join(dir, 'docker.tar')])
    assert.equal(docker.code, 0, docker.err)
    assert.equal(caisson.run(['run', '--rm', 'from/skopeo:v1', 'echo', 'loaded']).out, 'loaded\n')
    const oci = caisson.run(['load'], readFileSync(join(dir, 'oci.tar')))
    assert.equal(oci.code, 0, oci.err)
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('commits a container and lists what it changed', { skip }, () => {
  const script = 'echo hello > /home/hello; rm /etc/group; : > "/home/$(printf \'a\\377\\033b\')"'
  const ran = caisson.run(['run', '--name', 'work', 'busybox', 'sh', '-c', script])
  assert.equal(ran.code, 0, ran.err)
  const changed = ['C /etc', 'D /etc/group', 'C /home', 'A /home/a\\xff\\x1bb', 'A /home/hello']
  assert.deepEqual(caisson.run(['diff', 'work']).out.trim().split('\n'), changed)
  const records = caisson.run(['diff', 'work', '--format', 'json']).out.trim().split('\n')
  assert.equal(records.length, changed.length)
  assert.deepEqual(JSON.parse(records[4] ?? ''), { kind: 'added', path: '/home/hello' })
  assert.equal(JSON.parse(records[3] ?? '').pathBase64, Buffer.from('/home/a\xff\x1bb', 'latin1').toString('base64'))
  const made = caisson.run(['commit', '-a', 'me', '-m', 'why', '-c', 'CMD ["cat", "/home/hello"]', 'work', 'work:kept'])
  assert.match(made.out, /^sha256:[0-9a-f]{64}\n$/, made.err)
  assert.equal(caisson.run(['run', '--rm', 'work:kept']).out, 'hello\n')
  const refused = caisson.run(['commit', '-c', 'NONSENSE 1', 'work'])
  assert.deepEqual([refused.code, refused.out], [125, ''])
  assert.match(refused.err, /NONSENSE/)
  assert.equal(caisson.run(['rm', 'work']).code, 0)
})
