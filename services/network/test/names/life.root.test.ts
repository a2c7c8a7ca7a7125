import assert from 'node:assert/strict'
import { appendFileSync, copyFileSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inNamespaces } from '@caisson/testkit'
import { builtProgram } from '../../src/name-server/program.ts'
import type { Resolver } from '../../src/name-server/resolver.ts'
import { dataOf } from './asking.ts'
import { resolversOf, Stage, until } from './stage.ts'
import { answerWith, startUpstream } from './upstream.ts'

const skip = inNamespaces()
const hosted = { skip, timeout: 90_000 }
const IDS = ['a', 'b', 'c', 'd', 'e']

function say(service: Resolver): void {
  service.setName('net', 'web', ['10.1.0.2', 'fd01::2'])
  service.setReverse('net', '10.1.0.2', 'web.net')
}

async function open(stage: Stage, service: Resolver, id: string): Promise<void> {
  const opened = service.open(id, stage.path(id))
  service.setView(id, { networks: ['net'], forwardTo: [] })
  await opened
}

async function standing(stage: Stage): Promise<Resolver> {
  const service = stage.service()
  say(service)
  for (const id of IDS) await stage.namespace(id)
  const opening = IDS.map((id) => open(stage, service, id))
  service.settle()
  await Promise.all(opening)
  return service
}

function pidOf(stage: Stage): number {
  const [pid, ...others] = resolversOf(stage.runDir)
  assert.ok(pid !== undefined && others.length === 0, 'one resolver for all namespaces')
  return pid
}

test('it runs without privileges, in a session of its own, and only root may talk to it', hosted, async () => {
  await using stage = new Stage()
  await standing(stage)
  const pid = pidOf(stage)
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): string => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1] ?? ''
  assert.equal(field('Uid'), '65534\t65534\t65534\t65534')
  assert.equal(field('Gid'), '65534\t65534\t65534\t65534')
  assert.equal(field('Groups').trim(), '')
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) assert.equal(field(set), '0000000000000000', set)
  assert.equal(field('NoNewPrivs'), '1')
  assert.equal(field('Seccomp'), '2')
  assert.equal(statSync(join(stage.runDir, 'names.sock')).mode & 0o777, 0o600)
  const [, , , , , session] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')
  assert.equal(Number(session), pid)
  const memory = Number(/(\d+)/.exec(field('VmRSS'))?.[1])
  assert.ok(memory < 4_096, `${memory} KiB`)
})

test('killed, it is started anew within two seconds and knows everything again', hosted, async () => {
  await using stage = new Stage()
  await standing(stage)
  const askers = IDS.map((id) => stage.asker(id))
  for (const asker of askers) await asker.lookUp('web')
  for (let round = 0; round < 3; round++) {
    const pid = pidOf(stage)
    process.kill(pid, 'SIGKILL')
    const start = performance.now()
    await until('another resolver', () => resolversOf(stage.runDir).some((other) => other !== pid))
    for (const asker of askers)
      await until('answers again', async () => (await asker.lookUp('web').catch(() => [])).join() === '10.1.0.2')
    assert.ok(performance.now() - start < 2_000 + 1_500, 'and the time of a question that was lost')
    assert.deepEqual(await askers[0]?.lookUp('web', 'AAAA'), ['fd01::2'])
    assert.deepEqual(await askers[0]?.lookUp('2.0.1.10.in-addr.arpa', 'PTR'), ['web.net'])
  }
})

test('without the service it answers on, and forwards', hosted, async () => {
  await using stage = new Stage()
  await using upstream = await startUpstream(({ message, reply }) => reply(answerWith(message, '192.0.2.7')))
  const service = await standing(stage)
  service.setHostServers([upstream.forwarder])
  service.setView('a', { networks: ['net'], forwardTo: 'host' })
  const asker = stage.asker('a')
  await asker.lookUp('web')
  const pid = pidOf(stage)
  service[Symbol.dispose]()
  assert.deepEqual(await asker.lookUp('web'), ['10.1.0.2'])
  assert.deepEqual(await asker.lookUp('example.com'), ['192.0.2.7'])
  assert.equal(pidOf(stage), pid)
})

test('a new service takes it over; what it does not say again holds until it has said all', hosted, async () => {
  await using stage = new Stage()
  const former = await standing(stage)
  former.setName('net', 'old', ['10.1.0.66'])
  const [asker, dropped] = [stage.asker('a'), stage.asker('e')]
  assert.deepEqual(await asker.lookUp('old'), ['10.1.0.66'])
  await dropped.lookUp('old')
  const pid = pidOf(stage)
  former[Symbol.dispose]()
  const service = stage.service()
  await open(stage, service, 'a')
  assert.deepEqual(await asker.lookUp('web'), ['10.1.0.2'], 'from before, while nothing is settled')
  service.setName('net', 'new', ['10.1.0.77'])
  say(service)
  for (const id of ['b', 'c', 'd']) await open(stage, service, id)
  assert.deepEqual(await asker.lookUp('old'), ['10.1.0.66'])
  service.settle()
  await until('what was not said is dropped', async () => (await asker.ask('old')).code === 3)
  assert.deepEqual(await asker.lookUp('web'), ['10.1.0.2'])
  assert.deepEqual(await asker.lookUp('new'), ['10.1.0.77'])
  await assert.rejects(dropped.ask('web'), /nobody answers/)
  assert.equal(pidOf(stage), pid, 'the same process has gone on')
  assert.equal((await service.counters())?.namespaces, 4)
})

test('a question that waits for another server is answered over a restart of the service', hosted, async () => {
  await using stage = new Stage()
  await using upstream = await startUpstream(({ message, reply }) =>
    setTimeout(() => reply(answerWith(message, '192.0.2.7')), 1_000),
  )
  const former = await standing(stage)
  former.setView('a', { networks: ['net'], forwardTo: [upstream.forwarder] })
  const asker = stage.asker('a')
  await asker.lookUp('web')
  const waiting = asker.ask('example.com', 'A', {}, 3_000)
  await until('the question is on its way', () => upstream.heard.length > 0)
  former[Symbol.dispose]()
  const service = stage.service()
  say(service)
  const opened = service.open('a', stage.path('a'))
  service.setView('a', { networks: ['net'], forwardTo: [upstream.forwarder] })
  service.settle()
  await opened
  assert.deepEqual(dataOf((await waiting).answers), ['192.0.2.7'])
})

test('when both were killed, questions wait until the service has said all', hosted, async () => {
  await using stage = new Stage()
  const former = await standing(stage)
  const asker = stage.asker('a')
  await asker.lookUp('web')
  const pid = pidOf(stage)
  former[Symbol.dispose]()
  process.kill(pid, 'SIGKILL')
  const service = stage.service()
  await open(stage, service, 'a')
  const waiting = asker.ask('web', 'A', {}, 5_000)
  await new Promise((resolve) => setTimeout(resolve, 500))
  say(service)
  service.settle()
  assert.deepEqual(dataOf((await waiting).answers), ['10.1.0.2'])
})

test('one of another build is replaced, and questions are answered all the while', hosted, async () => {
  await using stage = new Stage()
  const older = join(stage.runDir, 'older')
  copyFileSync(builtProgram(), older)
  appendFileSync(older, 'older')
  const former = stage.service(older)
  say(former)
  for (const id of IDS) await stage.namespace(id)
  const opening = IDS.map((id) => open(stage, former, id))
  former.settle()
  await Promise.all(opening)
  const asker = stage.asker('c')
  await asker.lookUp('web')
  const pid = pidOf(stage)
  former[Symbol.dispose]()
  let asked = 0
  let replaced = false
  const asking = (async () => {
    for (; !replaced; asked++) assert.deepEqual(await asker.lookUp('web'), ['10.1.0.2'])
  })()
  const service = stage.service()
  say(service)
  const reopening = IDS.map((id) => open(stage, service, id))
  service.settle()
  await Promise.all(reopening)
  await until('the older one ends', () => !resolversOf(stage.runDir).includes(pid), 20_000)
  replaced = true
  await asking
  assert.ok(asked > 10)
  assert.notEqual(pidOf(stage), pid)
})

test('it ends by itself when it has no namespace and nobody is connected', hosted, async () => {
  await using stage = new Stage()
  const service = await standing(stage)
  for (const id of IDS) service.close(id)
  await until('no namespace', async () => (await service.counters())?.namespaces === 0)
  service[Symbol.dispose]()
  await until('it ends', () => resolversOf(stage.runDir).length === 0, 15_000)
})

test('it ends by itself when the files of its engine are gone', hosted, async () => {
  await using stage = new Stage()
  const service = await standing(stage)
  service[Symbol.dispose]()
  rmSync(join(stage.runDir, 'names.sock'))
  await until('it ends', () => resolversOf(stage.runDir).length === 0, 20_000)
})

test('a closed namespace is answered no more, and may be opened again', hosted, async () => {
  await using stage = new Stage()
  const service = await standing(stage)
  const asker = stage.asker('b')
  await asker.lookUp('web')
  service.close('b')
  await assert.rejects(asker.ask('web'), /nobody answers/)
  await open(stage, service, 'b')
  assert.deepEqual(await asker.lookUp('web'), ['10.1.0.2'])
  for (let i = 0; i < 20; i++) {
    service.close('b')
    void service.open('b', stage.path('b')).catch(() => {})
  }
  service.close('b')
  await open(stage, service, 'b')
  assert.deepEqual(await asker.lookUp('web'), ['10.1.0.2'])
})

test('a program that cannot be started is tried again until it can', hosted, async () => {
  await using stage = new Stage()
  await stage.namespace('a')
  const program = join(stage.runDir, 'resolver')
  const service = stage.service(program)
  say(service)
  const opened = open(stage, service, 'a')
  service.settle()
  await new Promise((resolve) => setTimeout(resolve, 300))
  copyFileSync(builtProgram(), program)
  await opened
  assert.deepEqual(await stage.asker('a').lookUp('web'), ['10.1.0.2'])
})

test('when its socket is removed under it, another takes its place', hosted, async () => {
  await using stage = new Stage()
  const service = await standing(stage)
  const asker = stage.asker('a')
  await asker.lookUp('web')
  const pid = pidOf(stage)
  rmSync(join(stage.runDir, 'names.sock'))
  await stage.namespace('f')
  await open(stage, service, 'f')
  assert.deepEqual(await stage.asker('f').lookUp('web'), ['10.1.0.2'])
  assert.deepEqual(await asker.lookUp('web'), ['10.1.0.2'])
  await until('the other one ends', () => !resolversOf(stage.runDir).includes(pid), 20_000)
  assert.deepEqual(await asker.lookUp('web'), ['10.1.0.2'])
})
