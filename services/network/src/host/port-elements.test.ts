import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachAnswer, encodeMessages } from '../kernel/message.ts'
import { parseElementKeys } from '../kernel/nftables/dump.ts'
import type { PublishedPort } from '../publishing/published-port.ts'
import { addPorts, deletePorts } from './port-elements.ts'

const table = { family: 'inet', name: 't' } as const
const port = (more: Partial<PublishedPort>): PublishedPort => ({
  transport: 'tcp',
  hostAddress: undefined,
  hostPort: 80,
  containerPort: 80,
  count: 1,
  ...more,
})
const publication = (...ports: PublishedPort[]) => ({
  sandboxId: 'one',
  address: 0x0a000002,
  portName: 'p',
  ipv6: undefined,
  ports,
})
const hex = (...parts: string[]): string => parts.join('')
const encoded = (...ports: PublishedPort[]): string[] =>
  addPorts(table, [publication(...ports)]).map((message) => encodeMessages([message], 1).toString('hex'))

// What the nft command 1.0.6 sends for the same, behind the names of table and map.

test('a port is an element from protocol and port to address and port', () => {
  const [message] = encoded(port({}))
  assert.ok(
    message?.endsWith(
      hex(
        '28000380',
        '24000180',
        '10000180',
        '0c000100',
        '0600000000500000',
        '10000280',
        '0c000100',
        '0a00000200500000',
      ),
    ),
    String(message),
  )
})

test('a range that keeps its numbers is one element, of every address or of one', () => {
  const range = { hostPort: 8000, containerPort: 8000, count: 10_000 }
  const [message, ...more] = encoded(port(range))
  assert.deepEqual(more, [])
  const keys = ['14000180', '10000100', '00000000', '06000000', '1f400000', '14000a80', '10000100', 'ffffffff']
  assert.ok(
    message?.endsWith(hex('3c000380', '38000180', ...keys, '06000000', '464f0000', '0c000280', '08000100', '0a000002')),
  )
  const [one] = encoded(port({ ...range, hostAddress: 0x7f000001, transport: 'udp' }))
  assert.ok(
    one?.includes(hex('7f000001', '11000000', '1f400000', '14000a80', '10000100', '7f000001', '11000000', '464f0000')),
  )
})

test('a range that shifts its numbers is an element a port, in messages that an attribute can hold', () => {
  const range = port({ hostPort: 9000, containerPort: 7000, count: 5_000, hostAddress: 0xc0000201 })
  const messages = addPorts(table, [publication(range)])
  const keys = messages.flatMap((message) => [...eachAnswer(encodeMessages([message], 1))].flatMap(parseElementKeys))
  assert.deepEqual(
    keys.map((key) => key.readUInt16BE(8)),
    Array.from({ length: 5_000 }, (_, index) => 9000 + index),
  )
  assert.ok(keys.every((key) => key.readUInt32BE(0) === 0xc0000201 && key.length === 12))
  const deleted = deletePorts(table, [publication(range)])
  assert.deepEqual(
    deleted.map(({ attributes }) => attributes),
    messages.map(({ attributes }) => attributes),
  )
  const last = encoded(range).at(-1)
  assert.ok(
    last?.endsWith(hex('c0000201', '06000000', '36af0000', '10000280', '0c000100', '0a000002', '2edf0000')),
    String(last?.slice(-120)),
  )
})

test('many mappings of small size share a message a map', () => {
  const ports = Array.from({ length: 200 }, (_, index) => port({ hostPort: index + 1 }))
  assert.equal(encoded(...ports, port({ hostAddress: 1, hostPort: 9 })).length, 2)
  assert.deepEqual(encoded(), [])
})
