import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachAnswer, encodeMessages, type Message } from '../message.ts'
import { parseElementKeys, parseRule } from './dump.ts'
import {
  compare,
  counter,
  interfaceName,
  loadConnectionState,
  loadMeta,
  lookupVerdict,
  maskBits,
  verdict,
} from './expression.ts'
import { destinationNat, lookupValue } from './nat.ts'
import { addElements, appendRule, concatenate, createChain, createSet, createTable, messageType } from './object.ts'
import { transaction } from './transaction.ts'

const table = { family: 'inet', name: 't' } as const
const encode = (message: Message): string => encodeMessages([message], 1).toString('hex')
const hex = (...parts: string[]): string => parts.join('')

// What the nft command 1.0.6 sends for the same (--debug=mnl), with NLM_F_ACK, and with the flag of nested attributes.

test('makes a table, plain or owned', () => {
  const name = '0600010074000000'
  assert.equal(
    encode(createTable(table)),
    hex('24000000000a05040100000000000000', '01000000', name, '0800020000000000'),
  )
  assert.equal(
    encode(createTable(table, { owned: true })),
    hex('24000000000a05040100000000000000', '01000000', name, '0800020000000006'),
  )
})

test('hooks a chain with a negative priority', () => {
  assert.equal(
    encode(createChain(table, { name: 'f', base: { type: 'filter', hook: 'forward', priority: -5 } })),
    hex(
      '44000000030a05040100000000000000',
      '01000000',
      '0600010074000000',
      '0600030066000000',
      '14000480',
      '0800010000000002',
      '08000200fffffffb',
      '0b00070066696c7465720000',
    ),
  )
})

test('makes a map from pairs of interfaces to verdicts', () => {
  assert.equal(
    encode(createSet(table, { name: 'pairs', key: ['interface', 'interface'], verdicts: true }, 1)),
    hex(
      '64000000090a05040100000000000000',
      '01000000',
      '0600010074000000',
      '0a0002007061697273000000',
      '0800030000000008',
      '0800040000000a69', // ifname . ifname
      '0800050000000020',
      '08000600ffffff00',
      '0800070000000000',
      '08000a0000000001',
      '0a000d000004000000000000',
    ),
  )
})

test('adds an element with a verdict', () => {
  const [message] = addElements(table, 'pairs', [
    { key: concatenate([interfaceName('br0'), interfaceName('br1')]), verdict: 'accept' },
  ])
  assert.ok(message)
  assert.equal(
    encode(message),
    hex(
      '680000000c0a05040100000000000000',
      '01000000',
      '0600010074000000',
      '0a0002007061697273000000',
      '40000380',
      '3c000180',
      '28000180',
      '24000100',
      '62723000000000000000000000000000',
      '62723100000000000000000000000000',
      '10000280',
      '0c000280',
      '0800010000000001',
    ),
  )
})

test('writes a rule as the nft command does', () => {
  const established = [
    loadConnectionState(0),
    maskBits(0, 0, Uint8Array.of(6, 0, 0, 0)),
    compare(0, 'notEqual', Uint8Array.of(0, 0, 0, 0)),
    counter(),
    verdict('accept'),
  ]
  assert.equal(
    encode(appendRule(table, 'f', established)),
    hex(
      'fc000000060a050c0100000000000000',
      '01000000',
      '0600010074000000',
      '0600020066000000',
      'd8000480',
      '20000180' + '0700010063740000' + '14000280' + '0800010000000008' + '0800020000000000',
      '44000180' + '0c00010062697477697365' + '00' + '34000280',
      '0800010000000008' + '0800020000000008' + '0800030000000004',
      '0c000480' + '0800010006000000' + '0c000580' + '0800010000000000',
      '2c000180' + '08000100636d7000' + '20000280',
      '0800010000000008' + '0800020000000001' + '0c000380' + '0800010000000000',
      '14000180' + '0c000100636f756e74657200' + '04000280',
      '30000180' + '0e000100696d6d6564696174' + '65000000' + '1c000280',
      '0800010000000000' + '10000280' + '0c000280' + '0800010000000001',
    ),
  )
})

test('tells a verdict from a map by the verdict register', () => {
  const bytes = encode(appendRule(table, 'f', [loadMeta('interfaceIn', 0), lookupVerdict('pairs', 0)]))
  assert.ok(bytes.includes('0a00010070616972730000000800020000000008' + '0800030000000000'))
})

test('makes a map from ranges of address, protocol and port to an address', () => {
  const set = { name: 'spans', key: ['ipv4', 'protocol', 'port'], data: ['ipv4'], ranges: true } as const
  const bytes = encode(createSet(table, set, 3))
  // map, interval, concatenation; key and its length; value and its length
  const types = ['080003000000008c', '080004000000730d', '080005000000000c', '0800060000000007', '0800070000000004']
  assert.ok(bytes.includes(hex(...types)), bytes)
  const field = (length: string): string => hex('0c000180', '08000100', length)
  assert.ok(bytes.includes(hex('2c000980', '28000280', field('00000004'), field('00000001'), field('00000002'))), bytes)
})

test('sends a connection to the address and the port that a map has', () => {
  const bytes = encode(appendRule(table, 'f', [lookupValue('any', 0, 4), destinationNat('ipv4', 4, 5)]))
  assert.ok(bytes.includes(hex('08000100616e7900', '0800020000000008', '080003000000000c')), bytes)
  const nat = ['0800010000000001', '0800020000000002', '080003000000000c', '080005000000000d']
  assert.ok(bytes.includes(hex('080001006e617400', '24000280', ...nat)), bytes)
})

test('splits many elements over messages that an attribute can hold', () => {
  const elements = Array.from({ length: 1000 }, (_, index) => ({
    key: interfaceName(`p${index}`),
    verdict: 'accept' as const,
  }))
  const messages = addElements(table, 'pairs', elements)
  assert.equal(messages.length, 3)
  const answers = [...eachAnswer(encodeMessages(messages, 1))]
  assert.deepEqual(
    answers.flatMap(parseElementKeys),
    elements.map((element) => Buffer.from(element.key)),
  )
})

test('refuses a name that an interface cannot have', () => {
  assert.throws(() => interfaceName('sixteen-letters!'), RangeError)
})

test('puts a change between a begin and an end that name the subsystem and ask for no answer', () => {
  const batch = encodeMessages(transaction([]), 1)
  assert.equal(
    batch.toString('hex'),
    hex('14000000100001000100000000000000', '0000000a', '14000000110001000200000000000000', '0000000a'),
  )
})

test('reads back the steps of a rule', () => {
  const [answer] = [...eachAnswer(encodeMessages([appendRule(table, 'f', [counter(), verdict('drop')])], 1))]
  assert.ok(answer)
  assert.equal(answer.type, messageType('newRule'))
  assert.deepEqual(parseRule(answer), { table: 't', chain: 'f', expressions: ['counter', 'immediate'] })
})
