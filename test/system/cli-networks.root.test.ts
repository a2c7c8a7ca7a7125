import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { busyboxRootfs, CaissonCommand, inNamespaces, needsBusybox } from '@caisson/testkit'
import { assertRefused, Talkers } from './talkers.ts'

const skip = inNamespaces() || needsBusybox()
let caisson: CaissonCommand
let talkers: Talkers

const ok = (args: readonly string[], input?: Uint8Array): string => caisson.done(args, input)
const refused = (args: readonly string[], why: RegExp): void => assertRefused(caisson, args, why)
const up = (name: string, ...options: string[]): string => talkers.up(name, ...options)
const asks = (from: string, address: string, tries?: number): string => talkers.ask(from, address, tries)

before(() => {
  if (skip) return
  caisson = new CaissonCommand()
  talkers = new Talkers(caisson)
  ok(['up', '-d'])
  ok(['import', '-', 'busybox'], busyboxRootfs())
})

after(() => {
  if (skip) return
  caisson.removeContainers()
  ok(['network', 'prune', '-f'])
  ok(['down'])
  rmSync(caisson.root, { recursive: true, force: true })
})

test('makes networks, runs containers on them with the addresses that were asked for, and removes them', {
  skip,
}, () => {
  const id = ok(['network', 'create', '--subnet', '10.71.0.0/24', '--label', 'tier=web', 'front']).trim()
  assert.match(id, /^[0-9a-f]{64}$/)
  ok(['network', 'create', '--internal', '--subnet', '10.72.0.0/24', 'vault'])
  refused(['network', 'create', 'front'], /already exists/)
  refused(
    ['network', 'create', '--subnet', '10.71.0.128/25', 'other'],
    /overlaps 10\.71\.0\.0\/24, used by the network front/,
  )
  refused(['network', 'create', '--ipv6', 'six'], /does not know IPv6/)
  const web = up('web', '--network', 'front', '--ip', '10.71.0.9', '--mac-address', '02:00:00:00:00:09')
  up('db', '--network', 'vault', '--network', 'front:priority=5')
  up('alone')
  assert.match(ok(['exec', 'web', 'ip', 'addr', 'show', 'dev', 'eth0']), /02:00:00:00:00:09[\s\S]*10\.71\.0\.9\/24/)
  assert.equal(asks('db', '10.71.0.9'), 'web')
  assert.equal(asks('alone', '10.71.0.9', 2), '', 'another network does not reach it')
  assert.match(ok(['exec', 'db', 'ip', 'route']), /default via 10\.71\.0\.1 dev eth1/)
  assert.match(ok(['network', 'ls']), /^\w{12} +front +bridge +10\.71\.0\.0\/24 +- +2$/m)
  assert.deepEqual(ok(['network', 'ls', '-q', '--no-trunc', '-f', 'label=tier=web']).trim(), id)
  const [document] = JSON.parse(ok(['network', 'inspect', 'front']))
  assert.deepEqual([document.containers[web].name, document.containers[web].ipv4Address], ['web', '10.71.0.9/24'])
  assert.deepEqual(ok(['ps', '-q', '--no-trunc', '-f', 'network=front']).split('\n').at(-2), web)
  refused(['network', 'rm', 'front'], /is used by .*(web|db)/)
  refused(['network', 'rm', 'bridge'], /comes with the engine/)
  ok(['rm', '-f', 'web', 'db', 'alone'])
  assert.equal(ok(['network', 'rm', 'front']), 'front\n')
  assert.match(ok(['network', 'prune', '-f']), /^[0-9a-f]{64}\n$/)
  refused(['network', 'inspect', 'front'], /front/)
})

test('connects a running container, and takes it out again', { skip }, () => {
  ok(['network', 'create', '--subnet', '10.73.0.0/24', 'back'])
  up('store', '--network', 'back')
  up('client')
  ok(['network', 'connect', '--ip', '10.73.0.77', 'back', 'client'])
  assert.equal(asks('client', '10.73.0.2'), 'store')
  assert.equal(asks('store', '10.73.0.77'), 'client')
  refused(['network', 'connect', 'back', 'client'], /connected already/)
  ok(['network', 'disconnect', 'back', 'client'])
  assert.equal(asks('client', '10.73.0.2', 2), '')
  refused(['network', 'disconnect', 'back', 'client'], /not connected/)
  ok(['rm', '-f', 'client', 'store'])
  ok(['network', 'rm', 'back'])
})

test('a container does not start when its network is gone, and does when it is back', { skip }, () => {
  ok(['network', 'create', 'gone'])
  ok(['create', '--name', 'waits', '--network', 'gone', 'busybox', 'true'])
  ok(['network', 'rm', 'gone'])
  assert.match(caisson.run(['start', 'waits']).err, /network.*gone/)
  ok(['network', 'create', 'gone'])
  ok(['start', 'waits'])
  ok(['rm', '-f', 'waits'])
  ok(['network', 'rm', 'gone'])
})
