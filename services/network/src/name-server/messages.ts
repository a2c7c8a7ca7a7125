import type { Forwarder, NameView } from '../names/ports.ts'
import { addressBytes } from './address.ts'

/**
 * What this service and the resolver say to each other, as native/resolver/src/control.h has it: frames of a length (of
 * what follows it, 4 bytes, little endian), a type (1 byte), and fields. A field of text or an address is preceded by its
 * length (1 byte).
 */
const types = {
  hello: 0,
  begin: 1,
  end: 2,
  namespace: 3,
  close: 4,
  view: 5,
  name: 6,
  reverse: 7,
  forget: 8,
  host: 9,
  count: 10,
  sockets: 11,
} as const

/** Of one name and of one network's view; what is more is left out. */
export const MAX_ADDRESSES = 4_000
const MAX_NETWORKS = 255
const MAX_FORWARDERS = 8

function frame(type: keyof typeof types, ...fields: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32LE(1 + fields.reduce((sum, { length }) => sum + length, 0))
  head.writeUInt8(types[type], 4)
  return Buffer.concat([head, ...fields])
}

function short(bytes: Buffer): Buffer {
  if (bytes.length > 255) throw new RangeError('an id, a name or an address has more than 255 bytes')
  return Buffer.concat([Buffer.of(bytes.length), bytes])
}

const text = (value: string): Buffer => short(Buffer.from(value))

const number16 = (value: number): Buffer => Buffer.of(value & 0xff, value >> 8)

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function forwarders(servers: readonly Forwarder[]): Buffer {
  const used = servers.slice(0, MAX_FORWARDERS)
  const each = used.flatMap(({ address, port }) => [short(addressBytes(address)), number16(port)])
  return Buffer.concat([Buffer.of(used.length), ...each])
}

const HOST = 255

/** A frame each. Names are given as encodeDomainName makes them. RangeError for what is no address or too long. */
export const requests = {
  hello: (): Buffer => frame('hello'),
  /** What is not said again before `end` is dropped then. */
  begin: (): Buffer => frame('begin'),
  end: (): Buffer => frame('end'),
  /** Answered with `state`. Sockets for it are taken only with this token. */
  namespace: (id: string, token: number): Buffer => frame('namespace', text(id), number32(token)),
  close: (id: string): Buffer => frame('close', text(id)),
  view(id: string, { networks, forwardTo }: NameView): Buffer {
    const used = networks.slice(0, MAX_NETWORKS)
    const rest = forwardTo === 'host' ? Buffer.of(HOST) : forwarders(forwardTo)
    return frame('view', text(id), Buffer.of(used.length), ...used.map(text), rest)
  },
  name(networkId: string, name: Buffer, addresses: readonly Buffer[]): Buffer {
    const used = addresses.slice(0, MAX_ADDRESSES)
    return frame('name', text(networkId), short(name), number16(used.length), ...used.map(short))
  },
  /** An empty name takes it back. */
  reverse: (networkId: string, address: Buffer, name: Buffer): Buffer =>
    frame('reverse', text(networkId), short(address), short(name)),
  forget: (networkId: string): Buffer => frame('forget', text(networkId)),
  host: (servers: readonly Forwarder[]): Buffer => frame('host', forwarders(servers)),
  /** Answered with `counters`. */
  count: (): Buffer => frame('count'),
  /** Comes with two descriptors, UDP and TCP; answered with `taken`. */
  sockets: (id: string, token: number): Buffer => frame('sockets', text(id), number32(token)),
}

const counterNames = [
  'queries',
  'ownAnswers',
  'forwarded',
  'failed',
  'refused',
  'malformed',
  'namespaces',
  'names',
] as const

/** Since the resolver started; the last two are how many there are now. */
export type ResolverCounters = { readonly [name in (typeof counterNames)[number]]: number }

export type Reply =
  | { readonly type: 'hello'; readonly build: string }
  | { readonly type: 'state'; readonly isOpen: boolean }
  | { readonly type: 'counters'; readonly counters: ResolverCounters }

const MAX_REPLY_BYTES = 4_096

/** The reply that the bytes begin with, and how long it is; undefined while it is not whole. */
export function decodeReply(bytes: Buffer): { readonly reply: Reply; readonly length: number } | undefined {
  if (bytes.length < 5) return undefined
  const length = 4 + bytes.readUInt32LE(0)
  if (length < 5 || length > MAX_REPLY_BYTES) throw new Error('the resolver sends what is no reply')
  if (bytes.length < length) return undefined
  return { reply: replyOf(bytes.readUInt8(4), bytes.subarray(5, length)), length }
}

function replyOf(type: number, body: Buffer): Reply {
  if (type === types.hello) return { type: 'hello', build: body.toString() }
  if (type === types.namespace) return { type: 'state', isOpen: body.readUInt8(0) === 1 }
  if (type === types.count) return { type: 'counters', counters: countersOf(body) }
  throw new Error(`the resolver sends a reply of the type ${type}`)
}

function countersOf(body: Buffer): ResolverCounters {
  const value = (name: (typeof counterNames)[number]): number =>
    Number(body.readBigUInt64LE(counterNames.indexOf(name) * 8))
  return {
    queries: value('queries'),
    ownAnswers: value('ownAnswers'),
    forwarded: value('forwarded'),
    failed: value('failed'),
    refused: value('refused'),
    malformed: value('malformed'),
    namespaces: value('namespaces'),
    names: value('names'),
  }
}
