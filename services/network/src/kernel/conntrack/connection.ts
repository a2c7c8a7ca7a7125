import { type Attribute, attribute, nested, parseAttributes, u8, u32 } from '../attribute.ts'
import { type Answer, type Message, NLM_F_ACK, NLM_F_DUMP } from '../message.ts'

/** Messages about the connections that the kernel keeps (linux/netfilter/nfnetlink_conntrack.h). */

const NFNL_SUBSYS_CTNETLINK = 1
const CT_NEW = 0
const CT_GET = 1
const CT_DELETE = 2

/** struct nfgenmsg */
const headers = { ipv4: Uint8Array.of(2, 0, 0, 0), ipv6: Uint8Array.of(10, 0, 0, 0) } as const
type Family = keyof typeof headers

// CTA_IP_V4_SRC and CTA_IP_V4_DST, and those of IPv6.
const addressTypes = { ipv4: { source: 1, destination: 2 }, ipv6: { source: 3, destination: 4 } } as const

const familyOf = (address: Uint8Array): Family => (address.length === 4 ? 'ipv4' : 'ipv6')

const CTA_TUPLE_ORIG = 1
const CTA_TUPLE_REPLY = 2
const CTA_FILTER = 25
const CTA_TUPLE_IP = 1
const CTA_TUPLE_PROTO = 2
const CTA_FILTER_ORIG_FLAGS = 1
const CTA_FILTER_REPLY_FLAGS = 2

// Which part of a tuple a list is limited by.
const BY_SOURCE = 1
const BY_PROTOCOL = 8
const BY_DESTINATION_PORT = 32

/** One direction: addresses of four bytes or of sixteen, and ports, which ICMP does not have. */
export type Tuple = {
  readonly source: Buffer
  readonly destination: Buffer
  readonly protocol: number
  readonly sourcePort: number
  readonly destinationPort: number
}

/** `reply`: what the answer looks like to the kernel: its source is where the packets really go. */
export type Connection = { readonly original: Tuple; readonly reply: Tuple }

const messageType = (type: number): number => (NFNL_SUBSYS_CTNETLINK << 8) | type

function portAttribute(type: number, port: number): Attribute {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(port)
  return attribute(type, bytes)
}

const list = (family: Family, filter: Attribute, tuple: Attribute): Message => ({
  type: messageType(CT_GET),
  flags: NLM_F_DUMP,
  body: headers[family],
  attributes: [tuple, nested(CTA_FILTER, [filter])],
})

/** Those whose packets really go to this address. Before Linux 5.8 all are listed. */
export const dumpConnectionsTo = (address: Uint8Array): Message =>
  list(
    familyOf(address),
    u32(CTA_FILTER_REPLY_FLAGS, BY_SOURCE),
    nested(CTA_TUPLE_REPLY, [nested(CTA_TUPLE_IP, [attribute(addressTypes[familyOf(address)].source, address)])]),
  )

/** Those that were meant for this port, or any of the protocol. Before Linux 5.8 all are listed. */
export const dumpConnectionsMeantFor = (family: Family, protocol: number, port: number | undefined): Message =>
  list(
    family,
    u32(CTA_FILTER_ORIG_FLAGS, port === undefined ? BY_PROTOCOL : BY_PROTOCOL | BY_DESTINATION_PORT),
    nested(CTA_TUPLE_ORIG, [
      nested(CTA_TUPLE_PROTO, [u8(1, protocol), ...(port === undefined ? [] : [portAttribute(3, port)])]),
    ]),
  )

/** ENOENT when it is over already. */
export function deleteConnection({ original }: Connection): Message {
  const family = familyOf(original.source)
  const { source, destination } = addressTypes[family]
  return {
    type: messageType(CT_DELETE),
    flags: NLM_F_ACK,
    body: headers[family],
    attributes: [
      nested(CTA_TUPLE_ORIG, [
        nested(CTA_TUPLE_IP, [attribute(source, original.source), attribute(destination, original.destination)]),
        nested(CTA_TUPLE_PROTO, [
          u8(1, original.protocol),
          portAttribute(2, original.sourcePort),
          portAttribute(3, original.destinationPort),
        ]),
      ]),
    ],
  }
}

/** Undefined for what is no connection of IP with ports. */
export function parseConnection(answer: Answer): Connection | undefined {
  if (answer.type !== messageType(CT_NEW) || answer.payload.length < 4) return undefined
  const attributes = parseAttributes(answer.payload.subarray(4))
  const original = parseTuple(attributes.get(CTA_TUPLE_ORIG))
  const reply = parseTuple(attributes.get(CTA_TUPLE_REPLY))
  return original && reply && { original, reply }
}

const isAddress = (bytes: Buffer | undefined): bytes is Buffer => bytes?.length === 4 || bytes?.length === 16

function parseTuple(bytes: Buffer | undefined): Tuple | undefined {
  const parts = bytes && parseAttributes(bytes)
  const [ip, proto] = [parts?.get(CTA_TUPLE_IP), parts?.get(CTA_TUPLE_PROTO)]
  if (ip === undefined || proto === undefined) return undefined
  const [addresses, ports] = [parseAttributes(ip), parseAttributes(proto)]
  const [source, destination] = [addresses.get(1) ?? addresses.get(3), addresses.get(2) ?? addresses.get(4)]
  const [protocol, from, to] = [ports.get(1), ports.get(2), ports.get(3)]
  if (!isAddress(source) || !isAddress(destination)) return undefined
  if (protocol?.length !== 1 || from?.length !== 2 || to?.length !== 2) return undefined
  return {
    source,
    destination,
    protocol: protocol.readUInt8(0),
    sourcePort: from.readUInt16BE(0),
    destinationPort: to.readUInt16BE(0),
  }
}
