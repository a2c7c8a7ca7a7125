import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import { inNamespaces } from '@caisson/testkit'
import { decode } from 'dns-packet'
import type { Forwarder } from '../../src/names/ports.ts'
import { codeOf, dataOf, edns, questionOf } from './asking.ts'
import { Stage, until } from './stage.ts'
import { answerWith, startUpstream } from './upstream.ts'

const skip = inNamespaces()
const hosted = { skip, timeout: 90_000 }
const SERVFAIL = 2
const NXDOMAIN = 3

async function forwardingTo(
  stage: Stage,
  forwardTo: 'host' | readonly Forwarder[],
  hostServers: readonly Forwarder[] = [],
) {
  const service = stage.service()
  service.setHostServers(hostServers)
  service.setName('net', 'web', ['10.1.0.2'])
  const opened = service.open('one', await stage.namespace('one'))
  service.setView('one', { networks: ['net'], forwardTo })
  service.settle()
  await opened
  const asker = stage.asker('one')
  // It takes a while to start.
  await until('an answer', async () => (await asker.lookUp('web').catch(() => [])).length > 0)
  return { service, asker }
}

/** A port of this host where nobody is. */
async function deadPort(): Promise<Forwarder> {
  const server = await startUpstream(() => {})
  await server[Symbol.asyncDispose]()
  return server.forwarder
}

test(
  'other names are asked for at the given servers, with another id and from another port each time',
  hosted,
  async () => {
    await using stage = new Stage()
    await using upstream = await startUpstream(({ message, reply }) => reply(answerWith(message, '192.0.2.7')))
    const { asker } = await forwardingTo(stage, [upstream.forwarder])
    const ids = new Set<number>()
    const ports = new Set<number>()
    for (let i = 0; i < 20; i++) {
      const question = questionOf('Example.com', 'A', edns(1400))
      const answer = await asker.send(question)
      assert.ok(answer !== undefined)
      assert.equal(answer.readUInt16BE(0), question.readUInt16BE(0), 'the answer has the id of the question')
      assert.deepEqual(dataOf(decode(answer).answers), ['192.0.2.7'])
      const heard = upstream.heard.at(-1)
      assert.ok(heard !== undefined)
      assert.deepEqual(heard.message.subarray(2), question.subarray(2), 'it is passed on byte for byte')
      ids.add(heard.message.readUInt16BE(0))
      ports.add(heard.from.port)
    }
    assert.ok(ids.size > 15 && ports.size > 10, `${ids.size} ids from ${ports.size} ports`)
    assert.equal(upstream.heard.length, 20)
  },
)

test("the host's servers are asked as they are now, over IPv6 too", hosted, async () => {
  await using stage = new Stage()
  await using one = await startUpstream(({ message, reply }) => reply(answerWith(message, '192.0.2.1')))
  await using other = await startUpstream(({ message, reply }) => reply(answerWith(message, '192.0.2.2')))
  const { service, asker } = await forwardingTo(stage, 'host', [one.forwarder])
  assert.deepEqual(await asker.lookUp('example.com'), ['192.0.2.1'])
  service.setHostServers([other.forwarder])
  assert.deepEqual(await asker.lookUp('example.com'), ['192.0.2.2'])
  const six = createSocket('udp6')
  six.on('message', (message, from) => six.send(answerWith(message, '192.0.2.6'), from.port, from.address))
  await new Promise<void>((resolve) => six.bind(0, '::1', resolve))
  service.setHostServers([{ address: '::1', port: six.address().port }])
  assert.deepEqual(await asker.lookUp('example.com'), ['192.0.2.6'])
  six.close()
  service.setHostServers([])
  assert.equal((await asker.ask('example.com')).code, SERVFAIL)
})

test('where nothing may be asked, what is not known is not there, and nothing leaves', hosted, async () => {
  await using stage = new Stage()
  await using host = await startUpstream(({ message, reply }) => reply(answerWith(message, '192.0.2.1')))
  const { asker } = await forwardingTo(stage, [], [host.forwarder])
  assert.equal((await asker.ask('example.com')).code, NXDOMAIN)
  const [answer] = await asker.sendTcp([questionOf('example.com')])
  assert.equal(answer && codeOf(answer), NXDOMAIN)
  assert.equal(host.heard.length, 0)
})

test('a server that is not there is passed over at once, one that is silent after two seconds', hosted, async () => {
  await using stage = new Stage()
  await using silent = await startUpstream(() => {})
  await using good = await startUpstream(({ message, reply }) => reply(answerWith(message, '192.0.2.3')))
  const { service, asker } = await forwardingTo(stage, [await deadPort(), good.forwarder])
  assert.deepEqual(await asker.lookUp('example.com'), ['192.0.2.3'])
  service.setView('one', { networks: [], forwardTo: [silent.forwarder, good.forwarder] })
  const start = performance.now()
  assert.deepEqual(dataOf((await asker.ask('example.com', 'A', {}, 5_000)).answers), ['192.0.2.3'])
  const took = performance.now() - start
  assert.ok(took > 1_800 && took < 3_500, `${took} ms`)
})

test('a server that refuses is passed over, and what the last one says is the answer', hosted, async () => {
  await using stage = new Stage()
  const refusing = (rcode: number) =>
    startUpstream(({ message, reply }) => {
      const answer = answerWith(message, '192.0.2.9', { answers: [] })
      answer.writeUInt8(answer.readUInt8(3) | rcode, 3)
      reply(answer)
    })
  await using first = await refusing(5)
  await using second = await refusing(3)
  const { service, asker } = await forwardingTo(stage, [first.forwarder, second.forwarder])
  assert.equal((await asker.ask('example.com')).code, NXDOMAIN)
  service.setView('one', { networks: [], forwardTo: [second.forwarder, first.forwarder] })
  assert.equal((await asker.ask('example.com')).code, NXDOMAIN, 'that there is no such name is an answer')
  service.setView('one', { networks: [], forwardTo: [first.forwarder] })
  assert.equal((await asker.ask('example.com')).code, 5)
})

test('when nobody answers it says so before clients give up', hosted, async () => {
  await using stage = new Stage()
  await using silent = await startUpstream(() => {})
  const { service, asker } = await forwardingTo(stage, [silent.forwarder])
  const start = performance.now()
  assert.equal((await asker.ask('example.com', 'A', {}, 6_000)).code, SERVFAIL)
  assert.ok(performance.now() - start < 5_000)
  assert.equal(silent.heard.length, 2)
  service.setView('one', { networks: [], forwardTo: [await deadPort()] })
  assert.equal((await asker.ask('example.com')).code, SERVFAIL)
  assert.equal((await service.counters())?.failed, 2)
})

test('answers that are forged do not count', hosted, async () => {
  await using stage = new Stage()
  await using upstream = await startUpstream(({ message, from, reply }) => {
    const forged = answerWith(message, '203.0.113.66')
    const otherId = Buffer.from(forged)
    otherId.writeUInt16BE((forged.readUInt16BE(0) + 1) & 0xffff, 0)
    reply(otherId)
    reply(answerWith(questionOf('example.org', 'A', { id: message.readUInt16BE(0) }), '203.0.113.66'))
    reply(answerWith(questionOf('example.com', 'AAAA', { id: message.readUInt16BE(0) }), '203.0.113.66'))
    reply(message)
    reply(forged.subarray(0, 11))
    reply(Buffer.alloc(0))
    const elsewhere = createSocket('udp4')
    elsewhere.send(forged, from.port, from.address, () => {
      elsewhere.close()
      setTimeout(() => reply(answerWith(message, '192.0.2.4')), 100)
    })
  })
  const { asker } = await forwardingTo(stage, [upstream.forwarder])
  assert.deepEqual(await asker.lookUp('example.com'), ['192.0.2.4'])
})

test('what does not fit is cut off over UDP and asked for whole over TCP', hosted, async () => {
  await using stage = new Stage()
  const long = (message: Buffer): Buffer => {
    const { questions = [] } = decode(message)
    const answers = Array.from({ length: 120 }, (_, index) => ({
      type: 'A' as const,
      name: questions[0]?.name ?? '',
      ttl: 1,
      data: `192.0.2.${index}`,
    }))
    return answerWith(message, '', { answers })
  }
  await using upstream = await startUpstream(({ message, reply }) => reply(long(message)), long)
  const { asker } = await forwardingTo(stage, [upstream.forwarder])
  const plain = await asker.send(questionOf('example.com'))
  assert.ok(plain !== undefined && plain.length <= 512 && decode(plain).flag_tc)
  const large = await asker.ask('example.com', 'A', edns(4096))
  assert.equal(large.answers?.length, 120)
  const answers = await asker.sendTcp([questionOf('example.com'), questionOf('web'), questionOf('example.net')])
  assert.deepEqual(
    answers.map((answer) => decode(answer).answers?.length),
    [120, 1, 120],
  )
})

test('over TCP too, the next server is asked, and in the end the failure is told', hosted, async () => {
  await using stage = new Stage()
  await using silent = await startUpstream(
    () => {},
    () => undefined,
  )
  await using good = await startUpstream(
    () => {},
    (message) => answerWith(message, '192.0.2.8'),
  )
  const { service, asker } = await forwardingTo(stage, [await deadPort(), silent.forwarder, good.forwarder])
  const [answer] = await asker.sendTcp([questionOf('example.com')], 6_000)
  assert.deepEqual(dataOf(answer && decode(answer).answers), ['192.0.2.8'])
  service.setView('one', { networks: [], forwardTo: [await deadPort()] })
  const failures = await asker.sendTcp([questionOf('example.com'), questionOf('example.net')])
  assert.deepEqual(failures.map(codeOf), [SERVFAIL, SERVFAIL])
})

test('too many questions at once are refused, and another namespace is served meanwhile', hosted, async () => {
  await using stage = new Stage()
  await using upstream = await startUpstream(({ message, reply }) => {
    if (decode(message).questions?.[0]?.name === 'quick.com') reply(answerWith(message, '192.0.2.5'))
  })
  const { service, asker } = await forwardingTo(stage, [upstream.forwarder])
  const opened = service.open('two', await stage.namespace('two'))
  service.setView('two', { networks: [], forwardTo: [upstream.forwarder] })
  await opened
  const other = stage.asker('two')
  await other.lookUp('quick.com')
  const messages = Array.from({ length: 300 }, (_, index) => questionOf(`slow${index}.com`).toString('base64'))
  const flooded = asker.wish({ kind: 'udp', messages, timeoutMs: 1_500 })
  await new Promise((resolve) => setTimeout(resolve, 700))
  assert.deepEqual(await other.lookUp('quick.com'), ['192.0.2.5'])
  const { answers, count } = await flooded
  assert.equal(count, 44, '256 wait')
  assert.ok(answers.every((answer) => answer === null || codeOf(Buffer.from(answer, 'base64')) === SERVFAIL))
})
