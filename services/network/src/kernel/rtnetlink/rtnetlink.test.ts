import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachAnswer, encodeMessages, type Message } from '../message.ts'
import { addAddress, parseAddress } from './address.ts'
import { createVeth, dumpLinks, parseLink, setLink } from './link.ts'
import { dumpRoutes, parseRoute, setDefaultRoute } from './route.ts'

const encode = (message: Message): string => encodeMessages([message], 1).toString('hex')
const hex = (...parts: string[]): string => parts.join('')

test('gives an interface its address, and the broadcast address of its subnet', () => {
  assert.equal(
    encode(addAddress(2, Uint8Array.of(10, 88, 0, 5), 16)),
    hex(
      '30000000140005050100000000000000', // RTM_NEWADDR, REQUEST ACK REPLACE CREATE
      '0210000002000000', // AF_INET, /16, index 2
      '080002000a580005', // IFA_LOCAL
      '080001000a580005', // IFA_ADDRESS
      '080004000a58ffff', // IFA_BROADCAST
    ),
  )
})

test('leaves the broadcast address out where a subnet has none', () => {
  assert.equal(encodeMessages([addAddress(2, Uint8Array.of(10, 0, 0, 1), 31)], 1).length, 40)
  assert.equal(encodeMessages([addAddress(2, Buffer.alloc(16, 1), 64)], 1).length, 16 + 8 + 20 + 20)
})

test('sets the default route of the main table', () => {
  assert.equal(
    encode(setDefaultRoute(2, Uint8Array.of(10, 88, 0, 1))),
    hex(
      '2c000000180005050100000000000000',
      '02000000fe03000100000000', // AF_INET, /0, main table, boot, universe, unicast
      '080005000a580001', // RTA_GATEWAY
      '0800040002000000', // RTA_OIF
    ),
  )
})

test('makes a veth pair with one end in a namespace and the other on a bridge in one message', () => {
  const peer = { name: 'eth0', address: Uint8Array.of(2, 66, 10, 88, 0, 5), namespaceFd: 21 }
  assert.equal(
    encode(createVeth({ name: 'csp0', mtu: 1500, master: 7, peer })),
    hex(
      '8c000000100005060100000000000000', // RTM_NEWLINK, REQUEST ACK EXCL CREATE
      '00000000000000000000000000000000', // struct ifinfomsg: down
      '0900030063737030'.concat('00000000'), // IFLA_IFNAME
      '08000400dc050000', // IFLA_MTU
      '08000a0007000000', // IFLA_MASTER
      '50001280', // IFLA_LINKINFO
      '090001007665746800000000', // IFLA_INFO_KIND veth
      '40000280', // IFLA_INFO_DATA
      '3c000180', // VETH_INFO_PEER
      '00000000000000000000000000000000',
      '090003006574683000000000',
      '08000400dc050000',
      '0a00010002420a5800050000', // IFLA_ADDRESS
      '08001c0015000000', // IFLA_NET_NS_FD
    ),
  )
})

test('changes of a link only what is given', () => {
  assert.equal(
    encode(setLink({ index: 2, up: true })),
    hex('20000000100005000100000000000000', '00000000020000000100000001000000'),
  )
})

test('asks for the ports of one bridge', () => {
  assert.equal(
    encode(dumpLinks({ master: 3 })),
    hex('30000000120001030100000000000000', '00000000000000000000000000000000', '08001d0008000000', '08000a0003000000'),
  )
  assert.equal(encode(dumpRoutes(2)), hex('1c0000001a0001030100000000000000', '020000000000000000000000'))
})

const answerOf = (message: Message) => {
  const [answer] = [...eachAnswer(encodeMessages([message], 1))]
  assert.ok(answer)
  return answer
}

test('reads addresses, routes and links, which have the shape of the requests', () => {
  const address = parseAddress(answerOf(addAddress(4, Uint8Array.of(10, 1, 2, 3), 24)))
  assert.deepEqual(address, { index: 4, prefixLength: 24, address: Buffer.from([10, 1, 2, 3]) })
  const route = parseRoute(answerOf(setDefaultRoute(4, Uint8Array.of(10, 1, 2, 1))))
  assert.equal(route?.table, 254)
  assert.equal(route?.destination, undefined)
  assert.deepEqual(route?.gateway, Buffer.from([10, 1, 2, 1]))
  const peer = { name: 'eth0', address: Uint8Array.of(2, 0, 0, 0, 0, 1), namespaceFd: 3 }
  const link = parseLink(answerOf(createVeth({ name: 'port', mtu: 1400, master: 9, peer })))
  assert.deepEqual(link, {
    index: 0,
    name: 'port',
    kind: 'veth',
    up: false,
    mtu: 1400,
    address: Buffer.alloc(0),
    master: 9,
  })
  assert.equal(parseAddress(answerOf(setLink({ index: 1 }))), undefined)
})
