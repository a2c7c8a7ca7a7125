import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inNamespaces } from '@caisson/testkit'
import { decode } from 'dns-packet'
import { codeOf, dataOf, edns, questionOf } from './asking.ts'
import { Stage } from './stage.ts'
import { startUpstream } from './upstream.ts'

const skip = inNamespaces()
const hosted = { skip, timeout: 60_000 }

const many = Array.from({ length: 300 }, (_, index) => `10.3.${index >> 8}.${index & 255}`)

/** Two networks and an asker on the first, on both, and on one that leads nowhere. */
async function standing(stage: Stage) {
  const service = stage.service()
  const upstream = await startUpstream(() => {})
  service.setHostServers([upstream.forwarder])
  service.setName('blue', 'Web', ['10.1.0.2', '10.1.0.3', 'fd01::2'])
  service.setName('blue', 'four', ['10.1.0.4'])
  service.setName('blue', 'many', many)
  service.setName('red', 'web', ['10.2.0.2'])
  service.setName('red', 'db.red', ['fd02::5'])
  service.setReverse('blue', '10.1.0.2', 'Web.blue')
  service.setReverse('blue', 'fd01::2', 'web.blue')
  const views = { one: ['blue'], both: ['red', 'blue'], none: [] }
  for (const [id, networks] of Object.entries(views)) {
    const opened = service.open(id, await stage.namespace(id))
    service.setView(id, { networks, forwardTo: [] })
    service.settle()
    await opened
  }
  return { service, upstream, one: stage.asker('one'), both: stage.asker('both'), none: stage.asker('none') }
}

test("names have the addresses of the first of the asker's networks that knows them", hosted, async () => {
  await using stage = new Stage()
  const { one, both, none } = await standing(stage)
  assert.deepEqual((await one.lookUp('web')).toSorted(), ['10.1.0.2', '10.1.0.3'])
  assert.deepEqual(await one.lookUp('WEB', 'AAAA'), ['fd01::2'])
  assert.deepEqual(await both.lookUp('web'), ['10.2.0.2'])
  assert.deepEqual(await both.lookUp('db.red', 'AAAA'), ['fd02::5'])
  assert.equal((await one.ask('db.red', 'AAAA')).code, 3, 'a name of another network')
  assert.equal((await none.ask('web')).code, 3)
  const asked = await one.ask('wEb')
  assert.equal(asked.questions?.[0]?.name, 'wEb', 'the question is repeated as it was written')
  assert.ok(asked.answers?.every(({ name }) => name === 'wEb'))
  assert.ok(asked.answers?.every((answer) => 'ttl' in answer && answer.ttl === 5))
  assert.equal(asked.flag_aa && asked.flag_ra && asked.flag_rd && asked.flag_qr, true)
})

test('addresses come in another order each time', hosted, async () => {
  await using stage = new Stage()
  const { one } = await standing(stage)
  const first = new Set<string | undefined>()
  for (let i = 0; i < 4; i++) first.add((await one.lookUp('web'))[0])
  assert.deepEqual([...first].toSorted(), ['10.1.0.2', '10.1.0.3'])
})

test('a name that is there has no records of other types, and nobody else is asked', hosted, async () => {
  await using stage = new Stage()
  const { service, upstream, one } = await standing(stage)
  service.setView('one', { networks: ['blue'], forwardTo: 'host' })
  for (const type of ['AAAA', 'MX', 'TXT', 'SRV', 'SOA', 'HTTPS'] as const) {
    const { code, answers } = await one.ask('four', type)
    assert.deepEqual([code, answers], [0, []], type)
  }
  assert.deepEqual(await one.lookUp('web', 'ANY'), ['10.1.0.2', '10.1.0.3'])
  assert.equal(upstream.heard.length, 0)
  await upstream[Symbol.asyncDispose]()
})

test("addresses reverse to names on the asker's networks", hosted, async () => {
  await using stage = new Stage()
  const { service, one, both, none } = await standing(stage)
  const ipv6 = `${'2.0.0.0.'.concat('0.0.0.0.'.repeat(6))}1.0.d.f.ip6.arpa`
  assert.deepEqual(await one.lookUp('2.0.1.10.in-addr.arpa', 'PTR'), ['Web.blue'])
  assert.deepEqual(await both.lookUp('2.0.1.10.IN-ADDR.arpa', 'PTR'), ['Web.blue'])
  assert.deepEqual(await one.lookUp(ipv6, 'PTR'), ['web.blue'])
  assert.equal((await none.ask('2.0.1.10.in-addr.arpa', 'PTR')).code, 3)
  service.setReverse('blue', '10.1.0.2', undefined)
  assert.equal((await one.ask('2.0.1.10.in-addr.arpa', 'PTR')).code, 3)
})

test('what is changed holds from the next question on', hosted, async () => {
  await using stage = new Stage()
  const { service, one } = await standing(stage)
  service.setName('blue', 'new', ['10.1.0.9'])
  assert.deepEqual(await one.lookUp('new'), ['10.1.0.9'])
  service.setName('blue', 'NEW', ['10.1.0.8'])
  assert.deepEqual(await one.lookUp('new'), ['10.1.0.8'])
  service.setName('blue', 'new', [])
  assert.equal((await one.ask('new')).code, 3)
  service.setView('one', { networks: ['red'], forwardTo: [] })
  assert.deepEqual(await one.lookUp('web'), ['10.2.0.2'])
  service.forgetNetwork('red')
  assert.equal((await one.ask('web')).code, 3)
  service.setName('blue', `${'x'.repeat(64)}.y`, ['10.1.0.7'])
  assert.equal((await one.ask('web')).code, 3, 'a name that nobody can ask for does no harm')
})

test('what does not fit is cut off over UDP, and whole over TCP', hosted, async () => {
  await using stage = new Stage()
  const { one } = await standing(stage)
  const plain = await one.ask('many')
  assert.equal(plain.flag_tc, true)
  assert.equal(plain.answers?.length, 29)
  const large = await one.ask('many', 'A', edns(1232))
  assert.ok(large.flag_tc === true && (large.answers?.length ?? 0) > 70)
  const bytes = await one.send(questionOf('many', 'A', edns(1232)))
  assert.ok(bytes !== undefined && bytes.length <= 1232)
  assert.equal(large.additionals?.[0]?.type, 'OPT', 'EDNS is answered in EDNS')
  const answers = await one.sendTcp([questionOf('many'), questionOf('four'), questionOf('web', 'AAAA')])
  const [whole, four, web] = answers.map((answer) => decode(answer))
  assert.deepEqual(dataOf(whole?.answers).toSorted(), many.toSorted())
  assert.equal(whole?.flag_tc, false)
  assert.deepEqual(dataOf(four?.answers), ['10.1.0.4'])
  assert.deepEqual(dataOf(web?.answers), ['fd01::2'])
})

test('of a later version of EDNS it says that it knows it not', hosted, async () => {
  await using stage = new Stage()
  const { one } = await standing(stage)
  const question = questionOf('four', 'A', edns(1232))
  question.writeUInt8(1, question.length - 5)
  const answer = await one.send(question)
  assert.ok(answer !== undefined)
  assert.equal(codeOf(answer), 0)
  assert.equal(answer.readUInt8(answer.length - 6), 1, 'BADVERS is 16: the upper bits stand in the record')
})

test('a name server of the container itself may have 0.0.0.0:53', hosted, async () => {
  await using stage = new Stage()
  const { one } = await standing(stage)
  await one.wish({ kind: 'bind' })
})

test('a path that is no namespace is refused, and others are served on', hosted, async () => {
  await using stage = new Stage()
  const { service, one } = await standing(stage)
  await assert.rejects(service.open('gone', stage.path('gone')), { code: 'ENOENT' })
  await assert.rejects(service.open('file', '/etc/passwd'), { code: 'EINVAL' })
  assert.deepEqual(await one.lookUp('four'), ['10.1.0.4'])
})

test('it counts what it does', hosted, async () => {
  await using stage = new Stage()
  const { service, one } = await standing(stage)
  const before = await service.counters()
  await one.lookUp('four')
  await one.ask('elsewhere')
  await one.send(Buffer.from('0001010000020000000000000000010001', 'hex'))
  const after = await service.counters()
  assert.ok(before !== undefined && after !== undefined)
  assert.equal(after.queries - before.queries, 3)
  assert.equal(after.ownAnswers - before.ownAnswers, 1)
  assert.equal(after.refused - before.refused, 1)
  assert.equal(after.malformed - before.malformed, 1)
  assert.deepEqual([after.namespaces, after.names], [3, 7])
})
