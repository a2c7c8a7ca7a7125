import { attribute, parseAttributes } from '../attribute.ts'
import { type Answer, type Message, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_REPLACE } from '../message.ts'

const RTM_NEWADDR = 20
const RTM_GETADDR = 22

const IFA_ADDRESS = 1
const IFA_LOCAL = 2
const IFA_BROADCAST = 4

export const AF_INET = 2
export const AF_INET6 = 10

const familyOf = (address: Uint8Array): number => (address.length === 4 ? AF_INET : AF_INET6)

export type InterfaceAddress = {
  readonly index: number
  readonly prefixLength: number
  /** Four or sixteen bytes. */
  readonly address: Buffer
}

/** struct ifaddrmsg */
function addressHeader(family: number, prefixLength: number, index: number, flags = 0): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt8(flags, 2)
  bytes.writeUInt8(family, 0)
  bytes.writeUInt8(prefixLength, 1)
  bytes.writeUInt32LE(index, 4)
  return bytes
}

function broadcastOf(address: Uint8Array, prefixLength: number): Buffer {
  const bytes = Buffer.from(address)
  const host = prefixLength === 0 ? 0xffffffff : 2 ** (32 - prefixLength) - 1
  bytes.writeUInt32BE((bytes.readUInt32BE(0) | host) >>> 0)
  return bytes
}

// Whether anybody else has an address of IPv6 is not asked: nobody could answer, and a start would wait for it.
const IFA_F_NODAD = 0x02

/** Gives an interface an address; the kernel adds the route to its subnet. No error when it is there already. */
export const addAddress = (index: number, address: Uint8Array, prefixLength: number): Message => ({
  type: RTM_NEWADDR,
  flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
  body: addressHeader(familyOf(address), prefixLength, index, address.length === 4 ? 0 : IFA_F_NODAD),
  attributes: [
    attribute(IFA_LOCAL, address),
    attribute(IFA_ADDRESS, address),
    ...(address.length === 4 && prefixLength < 31
      ? [attribute(IFA_BROADCAST, broadcastOf(address, prefixLength))]
      : []),
  ],
})

export const dumpAddresses = (family: number): Message => ({
  type: RTM_GETADDR,
  flags: NLM_F_DUMP,
  body: addressHeader(family, 0, 0),
  attributes: [],
})

export function parseAddress(answer: Answer): InterfaceAddress | undefined {
  if (answer.type !== RTM_NEWADDR || answer.payload.length < 8) return undefined
  const attributes = parseAttributes(answer.payload.subarray(8))
  const address = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS)
  if (address === undefined) return undefined
  return { index: answer.payload.readUInt32LE(4), prefixLength: answer.payload.readUInt8(1), address }
}
