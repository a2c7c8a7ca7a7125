import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { busyboxRootfs, CaissonCommand, inNamespaces, needsBusybox, tar } from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox()
let caisson: CaissonCommand
let host: string

const run = (...args: string[]): string => caisson.done(['run', '--rm', '--network', 'none', ...args]).trim()
const names = (...args: string[]): string[] =>
  caisson
    .done(['volume', 'ls', '-q', ...args])
    .split('\n')
    .filter(Boolean)
const inspect = (name: string): { mountpoint: string; usedBy?: string[]; sizeBytes: string } =>
  JSON.parse(caisson.done(['volume', 'inspect', name]))[0]

function refused(args: readonly string[], why: RegExp, input?: Uint8Array): void {
  const ran = caisson.run(args, input)
  assert.equal(ran.code, 125, `${args.join(' ')}: ${ran.err}`)
  assert.match(ran.err, why)
}

const CONTENT = [
  'mkdir -p /srv/d; echo x > /srv/d/a; ln /srv/d/a /srv/d/b; ln -s a /srv/d/l',
  'chown 7:8 /srv/d/a; chown 5:6 /srv; chmod 750 /srv; ln -s /srv/d /link',
].join('; ')

before(() => {
  if (skip) return
  host = mkdtempSync(join(tmpdir(), 'csn-host-'))
  caisson = new CaissonCommand({ cwd: host })
  caisson.done(['up', '-d'])
  caisson.done(['import', '-', 'busybox'], busyboxRootfs())
  caisson.done(['run', '--network', 'none', '--name', 'maker', 'busybox', 'sh', '-c', CONTENT])
  caisson.done(['commit', '-c', 'VOLUME /srv', 'maker', 'withvolume'])
  caisson.done(['rm', 'maker'])
})

after(() => {
  if (skip) return
  caisson.removeContainers()
  caisson.done(['down'])
  rmSync(caisson.root, { recursive: true, force: true })
  rmSync(host, { recursive: true, force: true })
})

const LOOK = 'stat -c %u:%g:%a /srv; stat -c %u:%g:%h /srv/d/a; readlink /srv/d/l; grep -c " /srv " /proc/mounts'
const SEEN = '5:6:750\n7:8:2\na\n1'

test("an image's volume is made, filled, and goes with a container that removes itself", { skip }, () => {
  assert.equal(run('withvolume', 'sh', '-c', LOOK), SEEN)
  assert.deepEqual(names(), [])
})

test('it stays with a container that stays, and goes with rm -v', { skip }, () => {
  caisson.done(['run', '--network', 'none', '--name', 'keep', 'withvolume', 'sh', '-c', 'echo y > /srv/kept'])
  const [name = ''] = names()
  assert.match(name, /^[0-9a-f]{64}$/)
  assert.equal(readFileSync(join(inspect(name).mountpoint, 'kept'), 'utf8'), 'y\n')
  assert.equal(run('--volumes-from', 'keep', 'busybox', 'cat', '/srv/kept'), 'y')
  assert.deepEqual(names('--filter', 'dangling=true'), [])
  refused(['volume', 'rm', name], /used by/)
  caisson.done(['start', 'keep'])
  caisson.done(['wait', 'keep'])
  caisson.done(['rm', '-v', 'keep'])
  assert.deepEqual(names(), [])
})

test('a named volume is filled once and outlives containers; nocopy leaves it empty', { skip }, () => {
  assert.equal(run('-v', 'data:/srv', 'withvolume', 'sh', '-c', LOOK), SEEN)
  assert.equal(run('-v', 'data:/srv', 'withvolume', 'sh', '-c', 'rm /srv/d/b; ls /srv/d'), 'a\nl')
  assert.equal(run('-v', 'data:/mnt', 'busybox', 'ls', '/mnt/d'), 'a\nl')
  assert.equal(run('-v', 'through:/link', 'withvolume', 'cat', '/link/a'), 'x')
  assert.equal(run('-v', 'empty:/srv:nocopy', 'withvolume', 'ls', '/srv'), '')
  assert.match(run('-v', 'data:/x:ro', 'busybox', 'sh', '-c', 'touch /x/y 2>&1 || true'), /Read-only/)
  assert.equal(run('--mount', 'src=data,dst=/x,volume-subpath=d', 'busybox', 'cat', '/x/a'), 'x')
  assert.ok(Number(inspect('data').sizeBytes) > 0)
})

test('a container is not made twice over a volume that is another', { skip }, () => {
  caisson.done(['volume', 'create', '-d', 'tmpfs', '-o', 'size=1m', 'memory'])
  caisson.done(['volume', 'create', '-d', 'tmpfs', '-o', 'size=1m', 'memory'])
  refused(['volume', 'create', 'memory'], /another driver/)
  refused(['run', '--mount', 'src=memory,dst=/m,volume-driver=local', 'busybox', 'true'], /another driver/)
  refused(['volume', 'create', '-o', 'type=nfs', '-o', 'o=addr=192.0.2.1', '-o', 'device=:/x', 'far'], /not mounted/)
  refused(['volume', 'create', '../x'], /no name/)
  assert.equal(run('-v', 'memory:/m', 'busybox', 'sh', '-c', 'df -k /m | tail -1 | awk "{print \\$2}"'), '1024')
})

test('a directory of the host is a volume with o=bind', { skip }, () => {
  const source = join(host, 'bound')
  mkdirSync(source)
  caisson.done(['volume', 'create', '-o', 'type=none', '-o', 'o=bind', '-o', `device=${source}`, 'bound'])
  run('-v', 'bound:/b', 'busybox', 'sh', '-c', 'echo here > /b/f')
  assert.equal(readFileSync(join(source, 'f'), 'utf8'), 'here\n')
  assert.equal(statSync(join(source, 'f')).uid, 0)
  caisson.done(['volume', 'rm', 'bound'])
  assert.equal(existsSync(join(source, 'f')), true)
})

test('a volume is exported, imported and cloned with all its attributes', { skip }, () => {
  run('-v', 'whole:/srv', 'withvolume', 'true')
  const archive = caisson.run(['volume', 'export', 'whole']).bytes
  assert.match(spawnSync('tar', ['-tv', '--numeric-owner'], { input: archive }).stdout.toString(), /7\/8.* d\/a/)
  caisson.done(['volume', 'import', 'again', '-'], archive)
  const look = 'stat -c %u:%g:%h /v/d/a; readlink /v/d/l'
  assert.equal(run('-v', 'again:/v', 'busybox', 'sh', '-c', look), '7:8:2\na')
  caisson.done(['volume', 'clone', 'whole', 'copy'])
  assert.equal(run('-v', 'copy:/v', 'busybox', 'sh', '-c', `stat -c %u:%g:%a /v; ${look}`), '5:6:750\n7:8:2\na')
  refused(['volume', 'clone', 'whole', 'copy'], /exists/)
})

test('no tar writes outside of the volume that it is imported into', { skip }, () => {
  const target = join(host, 'target')
  mkdirSync(target)
  refused(['volume', 'import', 'hostile', '-'], /./, tar([{ path: '../../escaped', content: 'x' }]))
  assert.equal(names().includes('hostile'), false)
  const { mountpoint } = JSON.parse(caisson.done(['volume', 'create', '--format', 'json', 'trap']))
  symlinkSync(target, join(mountpoint, 'out'))
  writeFileSync(join(target, 'kept'), 'as it was')
  caisson.run(['volume', 'import', 'trap', '-'], tar([{ path: 'out/kept', content: 'changed' }]))
  assert.equal(readFileSync(join(target, 'kept'), 'utf8'), 'as it was')
  assert.equal(existsSync(join(mountpoint, '../../escaped')), false)
})

test('prune removes what no container uses, and events tell of all of it', { skip }, () => {
  caisson.done(['volume', 'create'])
  caisson.done(['volume', 'create', '--label', 'a=b', 'labelled'])
  caisson.done(['create', '--name', 'user', '-v', 'used:/u', 'busybox', 'true'])
  assert.match(caisson.done(['volume', 'prune', '-f']), /^[0-9a-f]{64}\nfreed /)
  caisson.done(['volume', 'prune', '-af', '--filter', 'label=a'])
  assert.equal(names().includes('labelled'), false)
  caisson.done(['volume', 'prune', '-af'])
  assert.deepEqual(names(), ['used'])
  caisson.done(['rm', 'user'])
  caisson.done(['volume', 'rm', 'used'])
  caisson.done(['volume', 'rm', '-f', 'used'])
  refused(['volume', 'rm', 'used'], /used/)
  const events = caisson.done(['events', '--since', '1h', '--no-follow', '--filter', 'volume=data', '--format', 'json'])
  const types = events
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line).type)
  assert.equal(types[0], 'volume.created')
  assert.ok(types.includes('volume.mounted'))
  assert.equal(types.at(-1), 'volume.removed')
})
