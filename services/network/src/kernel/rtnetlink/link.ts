import {
  type Attribute,
  attribute,
  eachAttribute,
  nested,
  parseAttributes,
  readString,
  readU32,
  string,
  u8,
  u32,
} from '../attribute.ts'
import { type Answer, type Message, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL } from '../message.ts'

const RTM_NEWLINK = 16
const RTM_DELLINK = 17
const RTM_GETLINK = 18

const IFF_UP = 0x1

const IFLA_ADDRESS = 1
const IFLA_IFNAME = 3
const IFLA_MTU = 4
const IFLA_MASTER = 10
const IFLA_LINKINFO = 18
const IFLA_STATS64 = 23
const IFLA_AF_SPEC = 26
const IFLA_GROUP = 27
const IFLA_NET_NS_FD = 28
const IFLA_EXT_MASK = 29
const IFLA_INFO_KIND = 1
const IFLA_INFO_DATA = 2
const IFLA_INFO_SLAVE_KIND = 4
const IFLA_INFO_SLAVE_DATA = 5
const IFLA_BRPORT_MODE = 4
const IFLA_BRPORT_ISOLATED = 33
const IFLA_INET6_ADDR_GEN_MODE = 8
const IN6_ADDR_GEN_MODE_NONE = 1
const VETH_INFO_PEER = 1
const RTEXT_FILTER_SKIP_STATS = 1 << 3
const AF_INET6 = 10

export type Link = {
  readonly index: number
  readonly name: string
  readonly kind: string
  readonly up: boolean
  readonly mtu: number
  /** Six bytes for Ethernet. */
  readonly address: Buffer
  /** Index of the bridge it is a port of; 0: none. */
  readonly master: number
}

export type LinkCounters = {
  readonly rxPackets: bigint
  readonly txPackets: bigint
  readonly rxBytes: bigint
  readonly txBytes: bigint
  readonly rxErrors: bigint
  readonly txErrors: bigint
  readonly rxDropped: bigint
  readonly txDropped: bigint
}

/** struct ifinfomsg */
function linkHeader(index: number, up: boolean): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeInt32LE(index, 4)
  bytes.writeUInt32LE(up ? IFF_UP : 0, 8)
  bytes.writeUInt32LE(up ? IFF_UP : 0, 12)
  return bytes
}

const linkKind = (kind: string, data: readonly Attribute[]): Attribute =>
  nested(IFLA_LINKINFO, [string(IFLA_INFO_KIND, kind), ...(data.length > 0 ? [nested(IFLA_INFO_DATA, data)] : [])])

/** A bridge, up, with an address of its own, so that it does not change with its ports. EEXIST when the name is taken. */
export const createBridge = (bridge: { name: string; mtu: number; address: Uint8Array }): Message => ({
  type: RTM_NEWLINK,
  flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
  body: linkHeader(0, true),
  attributes: [
    string(IFLA_IFNAME, bridge.name),
    u32(IFLA_MTU, bridge.mtu),
    attribute(IFLA_ADDRESS, bridge.address),
    linkKind('bridge', []),
  ],
})

/**
 * A veth pair in one message: one end is made as a port of the bridge `master`, the other inside the namespace
 * behind `peer.namespaceFd`, both down. Moving a link there later takes ten times as long.
 */
export const createVeth = (veth: {
  name: string
  mtu: number
  master: number
  peer: { name: string; address: Uint8Array; namespaceFd: number }
}): Message => ({
  type: RTM_NEWLINK,
  flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
  body: linkHeader(0, false),
  attributes: [
    string(IFLA_IFNAME, veth.name),
    u32(IFLA_MTU, veth.mtu),
    u32(IFLA_MASTER, veth.master),
    linkKind('veth', [
      nested(
        VETH_INFO_PEER,
        [
          string(IFLA_IFNAME, veth.peer.name),
          u32(IFLA_MTU, veth.mtu),
          attribute(IFLA_ADDRESS, veth.peer.address),
          u32(IFLA_NET_NS_FD, veth.peer.namespaceFd),
        ],
        linkHeader(0, false),
      ),
    ]),
  ],
})

/** Brings a bridge port up without an IPv6 address of its own; `isolated` ports do not speak with one another. */
export const raisePort = (port: { name: string; isolated: boolean }): Message => ({
  type: RTM_NEWLINK,
  flags: NLM_F_ACK,
  body: linkHeader(0, true),
  attributes: [
    string(IFLA_IFNAME, port.name),
    nested(IFLA_AF_SPEC, [nested(AF_INET6, [u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE)])]),
    nested(IFLA_LINKINFO, [
      string(IFLA_INFO_SLAVE_KIND, 'bridge'),
      nested(IFLA_INFO_SLAVE_DATA, [u8(IFLA_BRPORT_ISOLATED, port.isolated ? 1 : 0)]),
    ]),
  ],
})

/** Lets a bridge port get back what came in through it. ENODEV when it is gone. */
export const reflectAtPort = (name: string): Message => ({
  type: RTM_NEWLINK,
  flags: NLM_F_ACK,
  body: linkHeader(0, true),
  attributes: [
    string(IFLA_IFNAME, name),
    nested(IFLA_LINKINFO, [
      string(IFLA_INFO_SLAVE_KIND, 'bridge'),
      nested(IFLA_INFO_SLAVE_DATA, [u8(IFLA_BRPORT_MODE, 1)]),
    ]),
  ],
})

/** Changes a link, by index. Only what is given changes. */
export const setLink = (link: {
  index: number
  up?: true
  mtu?: number
  address?: Uint8Array
  master?: number
  group?: number
}): Message => ({
  type: RTM_NEWLINK,
  flags: NLM_F_ACK,
  body: linkHeader(link.index, link.up === true),
  attributes: [
    ...(link.mtu === undefined ? [] : [u32(IFLA_MTU, link.mtu)]),
    ...(link.address === undefined ? [] : [attribute(IFLA_ADDRESS, link.address)]),
    ...(link.master === undefined ? [] : [u32(IFLA_MASTER, link.master)]),
    ...(link.group === undefined ? [] : [u32(IFLA_GROUP, link.group)]),
  ],
})

/** Takes tens of milliseconds: only for what no namespace takes down with it, such as a bridge. */
export const deleteLink = (name: string): Message => ({
  type: RTM_DELLINK,
  flags: NLM_F_ACK,
  body: linkHeader(0, false),
  attributes: [string(IFLA_IFNAME, name)],
})

/** All links of a group at once, in the time of one. ENODEV when there is none. */
export const deleteGroup = (group: number): Message => ({
  type: RTM_DELLINK,
  flags: NLM_F_ACK,
  body: linkHeader(0, false),
  attributes: [u32(IFLA_GROUP, group)],
})

/** By name or index. ENODEV when there is none. */
export const getLink = (link: string | number): Message => ({
  type: RTM_GETLINK,
  flags: NLM_F_ACK,
  body: linkHeader(typeof link === 'number' ? link : 0, false),
  attributes: typeof link === 'number' ? [] : [string(IFLA_IFNAME, link)],
})

/** Of one bridge, or of one kind: the kernel chooses, so the others cost nothing. */
export const dumpLinks = (only?: { master: number } | { kind: string }): Message => ({
  type: RTM_GETLINK,
  flags: NLM_F_DUMP,
  body: linkHeader(0, false),
  attributes: [
    u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS),
    ...(only !== undefined && 'master' in only ? [u32(IFLA_MASTER, only.master)] : []),
    ...(only !== undefined && 'kind' in only ? [linkKind(only.kind, [])] : []),
  ],
})

/** With the counters of each. */
export const dumpLinkCounters = (): Message => ({
  type: RTM_GETLINK,
  flags: NLM_F_DUMP,
  body: linkHeader(0, false),
  attributes: [],
})

const HEADER_BYTES = 16
const noBytes = Buffer.alloc(0)

export function parseLink(answer: Answer): Link | undefined {
  if (answer.type !== RTM_NEWLINK || answer.payload.length < HEADER_BYTES) return undefined
  const attributes = parseAttributes(answer.payload.subarray(HEADER_BYTES))
  const info = parseAttributes(attributes.get(IFLA_LINKINFO) ?? noBytes)
  return {
    index: answer.payload.readInt32LE(4),
    name: readString(attributes.get(IFLA_IFNAME)),
    kind: readString(info.get(IFLA_INFO_KIND)),
    up: (answer.payload.readUInt32LE(8) & IFF_UP) !== 0,
    mtu: readU32(attributes.get(IFLA_MTU)) ?? 0,
    address: attributes.get(IFLA_ADDRESS) ?? noBytes,
    master: readU32(attributes.get(IFLA_MASTER)) ?? 0,
  }
}

/** Of any answer that parseLinkCounters has counters of. */
export const parseLinkName = (answer: Answer): string =>
  readString(parseAttributes(answer.payload.subarray(HEADER_BYTES)).get(IFLA_IFNAME))

/** Of an answer to getLink or dumpLinkCounters (dumpLinks leaves counters out). struct rtnl_link_stats64 */
export function parseLinkCounters(answer: Answer): LinkCounters | undefined {
  if (answer.type !== RTM_NEWLINK) return undefined
  for (const [type, value] of eachAttribute(answer.payload.subarray(HEADER_BYTES))) {
    if (type !== IFLA_STATS64 || value.length < 64) continue
    const at = (place: number): bigint => value.readBigUInt64LE(place * 8)
    return {
      rxPackets: at(0),
      txPackets: at(1),
      rxBytes: at(2),
      txBytes: at(3),
      rxErrors: at(4),
      txErrors: at(5),
      rxDropped: at(6),
      txDropped: at(7),
    }
  }
  return undefined
}
