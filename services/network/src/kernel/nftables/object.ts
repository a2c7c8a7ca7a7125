import { type Attribute, attribute, be32, nested, string } from '../attribute.ts'
import { type Message, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_DUMP } from '../message.ts'
import { type Expression, expressionList, type Verdict, verdictData } from './expression.ts'

/** Messages about tables and what is in them. Those that change something belong into a transaction. */

export const NFNL_SUBSYS_NFTABLES = 10

export const families = { inet: 1, ipv4: 2, arp: 3, bridge: 7, ipv6: 10 } as const
export type Family = keyof typeof families

export type TableName = { readonly family: Family; readonly name: string }

const types = {
  newTable: 0,
  getTable: 1,
  delTable: 2,
  newChain: 3,
  getChain: 4,
  delChain: 5,
  newRule: 6,
  getRule: 7,
  delRule: 8,
  newSet: 9,
  getSet: 10,
  newSetElem: 12,
  getSetElem: 13,
  delSetElem: 14,
} as const

export const messageType = (type: keyof typeof types): number => (NFNL_SUBSYS_NFTABLES << 8) | types[type]

/** struct nfgenmsg */
const familyHeader = (family: Family): Uint8Array => Uint8Array.of(families[family], 0, 0, 0)

const message = (
  type: keyof typeof types,
  flags: number,
  family: Family,
  attributes: readonly Attribute[],
): Message => ({ type: messageType(type), flags: flags | NLM_F_ACK, body: familyHeader(family), attributes })

/** `owned`: only this socket may change it, and it outlives the socket (Linux 6.9; EOPNOTSUPP or EINVAL before). */
export const createTable = (table: TableName, options: { owned?: boolean } = {}): Message =>
  message('newTable', NLM_F_CREATE, table.family, [
    string(1, table.name),
    be32(2, options.owned === true ? TABLE_OWNER | TABLE_PERSIST : 0),
  ])

const TABLE_OWNER = 0x2
const TABLE_PERSIST = 0x4

/** With everything in it. ENOENT when there is none. */
export const deleteTable = (table: TableName): Message => message('delTable', 0, table.family, [string(1, table.name)])

const inetHooks = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const

export type Chain = {
  readonly name: string
  /** Without a hook: only jumped to. */
  readonly base?: {
    readonly type: 'filter' | 'nat'
    readonly hook: keyof typeof inetHooks
    readonly priority: number
  }
}

export const createChain = (table: TableName, chain: Chain): Message =>
  message('newChain', NLM_F_CREATE, table.family, [
    string(1, table.name),
    string(3, chain.name),
    ...(chain.base === undefined
      ? []
      : [
          nested(4, [be32(1, inetHooks[chain.base.hook]), be32(2, chain.base.priority >>> 0)]),
          string(7, chain.base.type),
        ]),
  ])

/** ENOENT when there is none, EBUSY while it has rules or something leads to it. */
export const deleteChain = (table: TableName, chain: string): Message =>
  message('delChain', 0, table.family, [string(1, table.name), string(3, chain)])

/** Removes all rules of the chain. */
export const flushChain = (table: TableName, chain: string): Message =>
  message('delRule', 0, table.family, [string(1, table.name), string(2, chain)])

/** Behind the rules that the chain has. */
export const appendRule = (table: TableName, chain: string, expressions: readonly Expression[]): Message =>
  message('newRule', NLM_F_CREATE | NLM_F_APPEND, table.family, [
    string(1, table.name),
    string(2, chain),
    expressionList(4, expressions),
  ])

/** Types as the nft command names them, so that it can print our sets; the kernel only looks at lengths. */
const dataTypes = {
  family: { number: 2, bytes: 1 },
  ipv4: { number: 7, bytes: 4 },
  ethernet: { number: 9, bytes: 6 },
  port: { number: 13, bytes: 2 },
  protocol: { number: 12, bytes: 1 },
  interface: { number: 41, bytes: 16 },
} as const

export type KeyPart = keyof typeof dataTypes

export type SetDefinition = {
  readonly name: string
  /** More than one part: a concatenation. */
  readonly key: readonly KeyPart[]
  /** Each element has a verdict. */
  readonly verdicts?: boolean
  /** Each element has a value: more than one part is a concatenation. */
  readonly data?: readonly KeyPart[]
  /** Each element is a range in every part of its key; the key has at least two parts (Linux 5.6). */
  readonly ranges?: boolean
}

const SET_INTERVAL = 0x4
const SET_MAP = 0x8
const SET_CONCAT = 0x80
const SET_DESCRIPTION = 9
const DATA_VERDICT = 0xffffff00
const SET_ID = 10

const padded = (bytes: number): number => (bytes + 3) & ~3

const keyLength = (key: readonly KeyPart[]): number =>
  key.length === 1 && key[0] !== undefined
    ? dataTypes[key[0]].bytes
    : key.reduce((sum, part) => sum + padded(dataTypes[part].bytes), 0)

// Six bits a part.
const keyType = (key: readonly KeyPart[]): number =>
  key.reduce((sum, part) => (sum << 6) | dataTypes[part].number, 0) >>> 0

/** The length of each part, which ranges are looked for by. */
const rangeParts = (key: readonly KeyPart[]): Attribute =>
  nested(SET_DESCRIPTION, [
    nested(
      2,
      key.map((part) => nested(1, [be32(1, dataTypes[part].bytes)])),
    ),
  ])

function setFlags({ verdicts, data, ranges }: SetDefinition): number {
  const map = verdicts === true || data !== undefined ? SET_MAP : 0
  return map | (ranges === true ? SET_INTERVAL | SET_CONCAT : 0)
}

const valueType = ({ verdicts, data }: SetDefinition): Attribute[] => {
  if (verdicts === true) return [be32(6, DATA_VERDICT), be32(7, 0)]
  return data === undefined ? [] : [be32(6, keyType(data)), be32(7, keyLength(data))]
}

// How the nft command reads a key of one part: names stand in the machine's byte order, all else in the network's.
const SET_USERDATA = 13
const byteOrders = ({ key, data }: SetDefinition): Uint8Array =>
  Uint8Array.from(
    [key, data ?? []].flatMap((parts, type) => (parts.length > 0 ? [type, 4, keyByteOrder(parts), 0, 0, 0] : [])),
  )
const keyByteOrder = (key: readonly KeyPart[]): number => (key.length > 1 ? 0 : key[0] === 'interface' ? 1 : 2)

/** `id` must differ from that of other sets made in the same transaction. */
export const createSet = (table: TableName, set: SetDefinition, id: number): Message =>
  message('newSet', NLM_F_CREATE, table.family, [
    string(1, table.name),
    string(2, set.name),
    be32(3, setFlags(set)),
    be32(4, keyType(set.key)),
    be32(5, keyLength(set.key)),
    ...valueType(set),
    ...(set.ranges === true ? [rangeParts(set.key)] : []),
    be32(SET_ID, id),
    attribute(SET_USERDATA, byteOrders(set)),
  ])

export type Element = {
  readonly key: Uint8Array
  /** With ranges: the last key of it. */
  readonly keyEnd?: Uint8Array
  readonly verdict?: Verdict
  readonly data?: Uint8Array
}

/** The parts of a concatenated key, each on a register of its own. */
export function concatenate(parts: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.alloc(parts.reduce((sum, part) => sum + padded(part.length), 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += padded(part.length)
  }
  return bytes
}

// An attribute holds 64 KiB, and an element with a verdict takes less than 128 bytes.
const ELEMENTS_A_MESSAGE = 400

const KEY_END = 10

/** As it stands in a list of elements. */
export const elementAttribute = ({ key, keyEnd, verdict, data }: Element): Attribute =>
  nested(1, [
    nested(1, [attribute(1, key)]),
    ...(keyEnd === undefined ? [] : [nested(KEY_END, [attribute(1, keyEnd)])]),
    ...(verdict === undefined ? [] : [nested(2, [verdictData(verdict)])]),
    ...(data === undefined ? [] : [nested(2, [attribute(1, data)])]),
  ])

function elementMessages(
  type: 'newSetElem' | 'delSetElem',
  flags: number,
  table: TableName,
  set: string,
  elements: readonly Element[],
): Message[] {
  const messages: Message[] = []
  for (let start = 0; start < elements.length; start += ELEMENTS_A_MESSAGE) {
    const list = elements.slice(start, start + ELEMENTS_A_MESSAGE).map(elementAttribute)
    messages.push(message(type, flags, table.family, [string(1, table.name), string(2, set), nested(3, list)]))
  }
  return messages
}

/** No error for one that is there with the same verdict or value; EEXIST for one with another, or a range across it. */
export const addElements = (table: TableName, set: string, elements: readonly Element[]): Message[] =>
  elementMessages('newSetElem', NLM_F_CREATE, table, set, elements)

/** ENOENT when one is not there. */
export const deleteElements = (table: TableName, set: string, elements: readonly Element[]): Message[] =>
  elementMessages('delSetElem', 0, table, set, elements)

/** Elements behind one another, each of the same length: see packed-elements.ts. */
export type PackedElements = { readonly bytes: Buffer; readonly elementBytes: number }

const ATTRIBUTE_BYTES = 65_000
const NESTED = 0x8000

function packedMessages(
  type: 'newSetElem' | 'delSetElem',
  table: TableName,
  set: string,
  { bytes, elementBytes }: PackedElements,
): Message[] {
  const messages: Message[] = []
  const step = Math.floor(ATTRIBUTE_BYTES / elementBytes) * elementBytes
  for (let start = 0; start < bytes.length; start += step) {
    const list = attribute(3 | NESTED, bytes.subarray(start, start + step))
    const flags = type === 'newSetElem' ? NLM_F_CREATE : 0
    messages.push(message(type, flags, table.family, [string(1, table.name), string(2, set), list]))
  }
  return messages
}

/** As addElements. */
export const addPacked = (table: TableName, set: string, elements: PackedElements): Message[] =>
  packedMessages('newSetElem', table, set, elements)

/** As deleteElements. */
export const deletePacked = (table: TableName, set: string, elements: PackedElements): Message[] =>
  packedMessages('delSetElem', table, set, elements)

const dump = (type: keyof typeof types, family: Family, attributes: readonly Attribute[]): Message => ({
  type: messageType(type),
  flags: NLM_F_DUMP,
  body: familyHeader(family),
  attributes,
})

export const dumpTables = (family: Family): Message => dump('getTable', family, [])
export const dumpChains = (family: Family): Message => dump('getChain', family, [])
export const dumpRules = (table: TableName): Message => dump('getRule', table.family, [string(1, table.name)])
export const dumpSets = (table: TableName): Message => dump('getSet', table.family, [string(1, table.name)])
export const dumpElements = (table: TableName, set: string): Message =>
  dump('getSetElem', table.family, [string(1, table.name), string(2, set)])
