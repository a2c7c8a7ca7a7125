import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { busyboxRootfs, CaissonCommand, inNamespaces, needsBusybox, TestEngine } from '@caisson/testkit'
import { assertRefused, Talkers } from './talkers.ts'

const skip = inNamespaces() || needsBusybox()
let engine: TestEngine
let caisson: CaissonCommand
let talkers: Talkers

const ok = (...args: string[]): string => caisson.done(args)

const refused = (args: readonly string[], why: RegExp): void => assertRefused(caisson, args, why)
const up = (name: string, ...options: string[]): string => talkers.up(name, ...options)
const asks = (from: string, address: string): string => talkers.ask(from, address)

const file = (container: string, path: string): string => ok('exec', container, 'cat', path)
const inspect = (container: string) => JSON.parse(ok('inspect', container))[0]
const networksOf = (container: string): string[] =>
  (inspect(container).sandbox?.endpoints ?? []).map(({ networkName }: { networkName: string }) => networkName)
const addressesOf = (container: string): string => ok('exec', container, 'ip', '-4', '-o', 'addr')

before(async () => {
  if (skip) return
  engine = await TestEngine.start()
  caisson = new CaissonCommand({ root: engine.root })
  talkers = new Talkers(caisson)
  caisson.done(['import', '-', 'busybox'], busyboxRootfs())
})

afterEach(() => {
  if (skip) return
  caisson.removeContainers()
  ok('network', 'prune', '-f')
})

after(() => engine?.[Symbol.asyncDispose]())

test('is on the same networks with the same addresses and aliases when it starts again', { skip }, () => {
  ok('network', 'create', '--subnet', '10.81.0.0/24', 'back')
  ok('network', 'create', '--subnet', '10.82.0.0/24', 'side')
  up('web')
  up('db', '--network', 'back')
  ok('network', 'connect', '--ip', '10.81.0.77', '--alias', 'shop', 'back', 'web')
  assert.deepEqual(networksOf('web'), ['bridge', 'back'])
  ok('stop', '-t', '0', 'web')
  ok('network', 'connect', '--ip', '10.82.0.7', 'side', 'web')
  refused(['network', 'connect', 'side', 'web'], /connected already to the network side/)
  refused(['network', 'connect', '--ip', '10.9.9.9', 'back', 'db'], /10\.9\.9\.9/)
  ok('start', 'web')
  assert.deepEqual(networksOf('web'), ['bridge', 'back', 'side'])
  assert.match(addressesOf('web'), /10\.81\.0\.77\/24[\s\S]*10\.82\.0\.7\/24/)
  const names = inspect('web').sandbox.endpoints[1].dnsNames
  assert.ok(names.includes('web') && names.includes('shop'), names.join())
  assert.equal(asks('db', '10.81.0.77'), 'web')
  refused(['network', 'connect', '--ip', '10.81.0.77', 'back', up('late')], /10\.81\.0\.77 is in use/)
  assert.deepEqual(networksOf('late'), ['bridge'])
  ok('network', 'disconnect', 'bridge', 'web')
  ok('stop', '-t', '0', 'web')
  ok('network', 'disconnect', 'back', 'web')
  ok('start', 'web')
  assert.deepEqual(networksOf('web'), ['side'])
  ok('network', 'disconnect', 'side', 'web')
  ok('stop', '-t', '0', 'web')
  ok('start', 'web')
  assert.doesNotMatch(addressesOf('web'), /eth/)
  ok('network', 'connect', 'side', 'web')
  assert.match(addressesOf('web'), /eth0/)
})

test('files inside say what the network service says, and keep what was written into them', { skip }, async () => {
  ok('network', 'create', '--subnet', '10.81.0.0/24', 'back')
  const own = mkdtempSync(join(tmpdir(), 'csn-hosts-'))
  writeFileSync(join(own, 'hosts'), '1.2.3.4 mine\n')
  const id = up('web')
  up('own', '-v', `${join(own, 'hosts')}:/etc/hosts`)
  for (const container of ['web', 'own']) ok('network', 'connect', 'back', container)
  assert.equal(file('web', '/etc/hosts'), (await engine.sandboxes.get({ id })).hosts)
  assert.equal(file('own', '/etc/hosts'), '1.2.3.4 mine\n')
  ok('exec', 'web', 'sh', '-c', 'echo 9.9.9.9 added >> /etc/hosts')
  ok('network', 'disconnect', 'back', 'web')
  const { hosts, resolvConf } = await engine.sandboxes.get({ id })
  assert.equal(file('web', '/etc/hosts'), `${hosts}9.9.9.9 added\n`)
  assert.equal(file('web', '/etc/resolv.conf'), resolvConf)
  assert.equal(ok('exec', 'web', 'stat', '-c', '%a %U', '/etc/hosts').trim(), '644 root')
  rmSync(own, { recursive: true })
})

test('each network mode has its files', { skip }, () => {
  const lines = 'cat /etc/hostname; hostname; cat /etc/hosts'
  const shown = (...options: string[]): string => ok('run', '--rm', ...options, 'busybox', 'sh', '-c', lines)
  assert.match(shown('--hostname', 'shop'), /^shop\nshop\n[\s\S]*^\d+\.\d+\.\d+\.\d+\tshop$/m)
  assert.match(shown('--hostname', 'shop', '--network', 'none'), /^shop\nshop\n[\s\S]*^127\.0\.0\.1\tshop$/m)
  assert.match(shown('--hostname', 'shop', '--network', 'host'), /^shop\nshop\n[\s\S]*localhost/)
  assert.match(shown(), /^([0-9a-f]{12})\n\1\n[\s\S]*\t\1$/m)
})

test('containers that share a network reach each other over the loopback, and share nothing else', { skip }, () => {
  const web = up('web', '--hostname', 'shop', '-p', '7')
  const side = ok('run', '-d', '--name', 'side', '--network', 'container:web', 'busybox', 'sleep', '1000').trim()
  assert.equal(asks('side', '127.0.0.1'), 'web')
  assert.equal(addressesOf('side'), addressesOf('web'))
  assert.equal(ok('exec', 'side', 'hostname'), 'shop\n')
  for (const path of ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf'])
    assert.equal(file('side', path), file('web', path))
  ok('exec', 'web', 'touch', '/dev/shm/web')
  assert.equal(ok('exec', 'side', 'ls', '/dev/shm'), '')
  const { spec, sandbox } = inspect('side')
  assert.deepEqual([spec.network.container, sandbox.mode], [web, 'SANDBOX_MODE_SHARED'])
  assert.match(ok('ps'), /side/)
  const usage = ok('stats', '--no-stream', '--format', 'json', 'side')
  assert.match(usage, /eth0/, 'its traffic is that of the network it shares')
  refused(['run', '--network', 'container:web', '-p', '80', 'busybox', 'true'], /port publishing and the network mode/)
  refused(['run', '--network', 'container:web', '--hostname', 'x', 'busybox', 'true'], /hostname and the network mode/)
  refused(['run', '--network', 'container:web', '--ip', '10.1.1.1', 'busybox', 'true'], /has no address/)
  refused(['run', '--network', 'container:nobody', 'busybox', 'true'], /no such container: nobody/)
  refused(['network', 'connect', 'bridge', side], /shares the network of/)
})

test('the network stays until the last of those that share it has ended', { skip }, () => {
  const peer = up('peer')
  up('web')
  const address = /(\d+\.\d+\.\d+\.\d+)\/\d+ brd/.exec(addressesOf('web'))?.[1] ?? ''
  ok(
    'run',
    '-d',
    '--name',
    'side',
    '--network',
    'container:web',
    'busybox',
    'sh',
    '-c',
    'while :; do echo side | nc -l -p 8; done',
  )
  ok('stop', '-t', '0', 'web')
  assert.match(addressesOf('side'), new RegExp(address.replaceAll('.', '\\.')))
  assert.equal(ok('exec', peer, 'nc', '-w', '1', address, '8').trim(), 'side')
  ok('stop', '-t', '0', 'side')
  refused(['start', 'side'], /does not run: start web first/)
  ok('start', 'web')
  ok('start', 'side')
  assert.equal(asks('side', '127.0.0.1'), 'web')
  ok('rm', '-f', 'web')
  ok('stop', '-t', '0', 'side')
  refused(['start', 'side'], /no such container/)
})

test('prune keeps the networks of containers that do not run, rm does not', { skip }, () => {
  for (const name of ['kept', 'unused']) ok('network', 'create', name)
  ok('create', '--name', 'waits', '--network', 'kept', 'busybox', 'true')
  const unused = JSON.parse(ok('network', 'inspect', 'unused'))[0].id
  assert.equal(ok('network', 'prune', '-f'), `${unused}\n`)
  ok('network', 'rm', 'kept')
  refused(['start', 'waits'], /no such network: kept/)
  ok('network', 'disconnect', 'kept', 'waits')
  ok('start', 'waits')
})
