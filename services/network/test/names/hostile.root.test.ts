import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inNamespaces } from '@caisson/testkit'
import { codeOf, questionOf } from './asking.ts'
import { Stage } from './stage.ts'

const skip = inNamespaces()
const hosted = { skip, timeout: 90_000 }

const FORMERR = 1
const NOTIMP = 4
const REFUSED = 5

async function standing(stage: Stage) {
  const service = stage.service()
  service.setName('net', 'web', ['10.1.0.2'])
  for (const id of ['one', 'two']) {
    const opened = service.open(id, await stage.namespace(id))
    service.setView(id, { networks: ['net'], forwardTo: [] })
    service.settle()
    await opened
  }
  return { service, one: stage.asker('one'), two: stage.asker('two') }
}

/** id, flags, counts, and what follows them. */
const message = (flags: number, counts: readonly [number, number, number, number], rest: string): Buffer =>
  Buffer.concat([
    Buffer.from([0x12, 0x34, flags >> 8, flags & 0xff, ...counts.flatMap((count) => [count >> 8, count & 0xff])]),
    Buffer.from(rest, 'hex'),
  ])

const WEB = '0377656200'
const A_IN = '00010001'
const QUERY = 0x0100

const refused: readonly (readonly [what: string, sent: Buffer, code: number])[] = [
  ['a name that points at itself', message(QUERY, [1, 0, 0, 0], `c00c${A_IN}`), FORMERR],
  ['a name that points behind the message', message(QUERY, [1, 0, 0, 0], `03776562ffff${A_IN}`), FORMERR],
  ['a label that is longer than the message', message(QUERY, [1, 0, 0, 0], '3f776562'), FORMERR],
  ['a label of a kind that there is not', message(QUERY, [1, 0, 0, 0], `4077656200${A_IN}`), FORMERR],
  ['a name without an end', message(QUERY, [1, 0, 0, 0], '0161'.repeat(200)), FORMERR],
  ['a name of more than 255 bytes', message(QUERY, [1, 0, 0, 0], `${'0161'.repeat(128)}00${A_IN}`), FORMERR],
  ['no type and class', message(QUERY, [1, 0, 0, 0], `${WEB}0001`), FORMERR],
  ['no question', message(QUERY, [0, 0, 0, 0], ''), FORMERR],
  ['two questions', message(QUERY, [2, 0, 0, 0], `${WEB}${A_IN}${WEB}${A_IN}`), FORMERR],
  ['65,535 questions', message(QUERY, [65_535, 0, 0, 0], `${WEB}${A_IN}`), FORMERR],
  ['records that are not there', message(QUERY, [1, 0, 0, 1], `${WEB}${A_IN}`), FORMERR],
  ['65,535 records', message(QUERY, [1, 65_535, 65_535, 65_535], `${WEB}${A_IN}`), FORMERR],
  [
    'a record that is longer than the message',
    message(QUERY, [1, 0, 0, 1], `${WEB}${A_IN}000029100000000000ffff`),
    FORMERR,
  ],
  ['EDNS twice', message(QUERY, [1, 0, 0, 2], `${WEB}${A_IN}${'0000291000000000000000'.repeat(2)}`), FORMERR],
  ['another class', message(QUERY, [1, 0, 0, 0], `${WEB}00010003`), REFUSED],
  ['a transfer of a zone', message(QUERY, [1, 0, 0, 0], `${WEB}00fc0001`), REFUSED],
  ['a status request', message(QUERY | 0x1000, [1, 0, 0, 0], `${WEB}${A_IN}`), NOTIMP],
  ['an update', message(QUERY | 0x2800, [1, 0, 0, 0], `${WEB}${A_IN}`), NOTIMP],
]

test('what is no good question is refused for what it is', hosted, async () => {
  await using stage = new Stage()
  const { one } = await standing(stage)
  for (const [what, sent, code] of refused) {
    const answer = await one.send(sent, 5_000)
    assert.ok(answer !== undefined, `${what}: no answer`)
    assert.equal(codeOf(answer), code, what)
    assert.equal(answer.readUInt16BE(0), 0x1234)
    assert.ok(answer.length <= sent.length + 11, `${what}: nobody is made to send more than was asked`)
  }
  const overTcp = await one.sendTcp(refused.map(([, sent]) => sent))
  assert.deepEqual(
    overTcp.map(codeOf),
    refused.map(([, , code]) => code),
  )
  assert.deepEqual(await one.lookUp('web'), ['10.1.0.2'])
})

test('responses, scraps and giants are not answered', hosted, async () => {
  await using stage = new Stage()
  const { one } = await standing(stage)
  const ignored = [
    Buffer.alloc(0),
    Buffer.of(1),
    message(QUERY, [1, 0, 0, 0], '').subarray(0, 11),
    message(0x8180, [1, 0, 0, 0], `${WEB}${A_IN}`),
    Buffer.concat([questionOf('web'), Buffer.alloc(60_000)]),
  ].map((bytes) => bytes.toString('base64'))
  const { count } = await one.wish({ kind: 'udp', messages: ignored, timeoutMs: 500 })
  assert.equal(count, 0)
  const giant = Buffer.concat([Buffer.of(0xff, 0xff), Buffer.alloc(65_535)]).toString('base64')
  const start = performance.now()
  await one.wish({ kind: 'tcp', messages: [giant], timeoutMs: 5_000, raw: true })
  assert.ok(performance.now() - start < 4_000, 'the connection is closed')
  assert.deepEqual(await one.lookUp('web'), ['10.1.0.2'])
})

test('anything at all leaves it standing', hosted, async () => {
  await using stage = new Stage()
  const { service, one } = await standing(stage)
  const broken = (): Buffer => {
    const bytes = Buffer.from(questionOf('web'))
    for (let i = 0; i < 3; i++)
      bytes.writeUInt8(randomBytes(1).readUInt8(), randomBytes(2).readUInt16LE() % bytes.length)
    return Math.random() < 0.5 ? bytes : randomBytes(randomBytes(1).readUInt8() * 2)
  }
  for (let round = 0; round < 8; round++) {
    const messages = Array.from({ length: 150 }, () => broken().toString('base64'))
    await one.wish({ kind: 'udp', messages, timeoutMs: 200 })
    await one.wish({ kind: 'tcp', messages, timeoutMs: 200, raw: round % 2 === 0 })
  }
  assert.deepEqual(await one.lookUp('web'), ['10.1.0.2'])
  assert.ok(((await service.counters())?.queries ?? 0) > 1_000)
})

test('a flood from one namespace does not keep others from being answered', hosted, async () => {
  await using stage = new Stage()
  const { one, two } = await standing(stage)
  await two.lookUp('web')
  const flooded = one.wish({ kind: 'flood', message: questionOf('web').toString('base64'), durationMs: 3_000 })
  await sleep(300)
  for (let i = 0; i < 50; i++) assert.deepEqual(await two.lookUp('web'), ['10.1.0.2'])
  const { count } = await flooded
  assert.ok(count > 10_000, `the flood was only ${count} questions`)
  // What it asks now waits behind its own flood, or finds no room: it asks again, as every client does.
  const again = () => one.lookUp('web')
  assert.deepEqual(await again().catch(again).catch(again), ['10.1.0.2'])
})

test('one namespace has so many connections and no more, and they end when nothing is said', hosted, async () => {
  await using stage = new Stage()
  const { one, two } = await standing(stage)
  const { count } = await one.wish({ kind: 'connections', count: 100, durationMs: 500 })
  assert.equal(count, 32)
  assert.equal((await two.sendTcp([questionOf('web')])).length, 1)
  const idle = await two.wish({ kind: 'connections', count: 3, durationMs: 11_500 })
  assert.equal(idle.count, 0)
})
