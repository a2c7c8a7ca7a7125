import { type Attribute, attribute, be32, nested, string } from '../attribute.ts'

/** One step of a rule (linux/netfilter/nf_tables.h). Steps load into registers, compare them, and end in a verdict. */
export type Expression = { readonly name: string; readonly attributes: readonly Attribute[] }

/**
 * 32-bit registers: 0..15. A concatenation is loaded into registers behind one another, each part from a whole register
 * on, and looked up by its first. Names of interfaces take four registers.
 */
export type Register = number

const NFT_REG_VERDICT = 0
const NFT_REG32_00 = 8
const NFTA_DATA_VALUE = 1
const NFTA_DATA_VERDICT = 2
const NFTA_VERDICT_CODE = 1
const NFTA_VERDICT_CHAIN = 2
const NFTA_LIST_ELEM = 1

/** A register as an attribute of an expression. */
export const register = (type: number, number: Register): Attribute => be32(type, NFT_REG32_00 + number)

export const IFNAME_BYTES = 16

/** The name padded to the kernel's fixed size. RangeError for one that has no room for its NUL. */
export function interfaceName(name: string): Buffer {
  const bytes = Buffer.alloc(IFNAME_BYTES)
  if (Buffer.byteLength(name) >= IFNAME_BYTES) throw new RangeError(`interface name ${name} is too long`)
  bytes.write(name)
  return bytes
}

export const metaKeys = {
  protocol: 1,
  interfaceIn: 6,
  interfaceOut: 7,
  networkProtocol: 15,
  layer4Protocol: 16,
} as const

/** Loads something the kernel knows of the packet: names of interfaces (16 bytes), protocol (2 bytes, network order),
 * networkProtocol (1 byte: 2 IPv4, 10 IPv6), layer4Protocol (1 byte). */
export const loadMeta = (key: keyof typeof metaKeys, to: Register): Expression => ({
  name: 'meta',
  attributes: [register(1, to), be32(2, metaKeys[key])],
})

export const payloadBases = { link: 0, network: 1, transport: 2 } as const

/** Loads bytes of a header. A packet too short for them ends the rule without a match. */
export const loadPayload = (
  base: keyof typeof payloadBases,
  offset: number,
  length: number,
  to: Register,
): Expression => ({
  name: 'payload',
  attributes: [register(1, to), be32(2, payloadBases[base]), be32(3, offset), be32(4, length)],
})

export const connectionState = { invalid: 1, established: 2, related: 4, new: 8 } as const

/** Loads the bit of the state of the packet's connection, in the machine's byte order. */
export const loadConnectionState = (to: Register): Expression => ({
  name: 'ct',
  attributes: [register(1, to), be32(2, 0)],
})

export const comparisons = { equal: 0, notEqual: 1, less: 2, lessOrEqual: 3, greater: 4, greaterOrEqual: 5 } as const

/** Ends the rule unless the register compares so with the value; a value shorter than what was loaded is a prefix. */
export const compare = (from: Register, comparison: keyof typeof comparisons, value: Uint8Array): Expression => ({
  name: 'cmp',
  attributes: [register(1, from), be32(2, comparisons[comparison]), nested(3, [attribute(NFTA_DATA_VALUE, value)])],
})

/** to = from & mask */
export const maskBits = (from: Register, to: Register, mask: Uint8Array): Expression => ({
  name: 'bitwise',
  attributes: [
    register(1, from),
    register(2, to),
    be32(3, mask.length),
    nested(4, [attribute(NFTA_DATA_VALUE, mask)]),
    nested(5, [attribute(NFTA_DATA_VALUE, new Uint8Array(mask.length))]),
  ],
})

/** Ends the rule unless the key is in the set (or, inverted, when it is). */
export const lookup = (set: string, from: Register, options: { invert?: boolean } = {}): Expression => ({
  name: 'lookup',
  attributes: [string(1, set), register(2, from), ...(options.invert === true ? [be32(5, 1)] : [])],
})

/** Goes on with the verdict that the map has for the key; without one the rule does not match. */
export const lookupVerdict = (map: string, from: Register): Expression => ({
  name: 'lookup',
  attributes: [string(1, map), register(2, from), be32(3, NFT_REG_VERDICT)],
})

export type Verdict = 'accept' | 'drop' | 'return' | { readonly jump: string } | { readonly goto: string }

const verdictCodes = { drop: 0, accept: 1, jump: -3, goto: -4, return: -5 } as const

/** NFTA_DATA_VERDICT, as the value of a map's element or of a rule's end. */
export function verdictData(verdict: Verdict): Attribute {
  const code = (name: keyof typeof verdictCodes): Attribute => be32(NFTA_VERDICT_CODE, verdictCodes[name] >>> 0)
  if (typeof verdict === 'string') return nested(NFTA_DATA_VERDICT, [code(verdict)])
  return 'jump' in verdict
    ? nested(NFTA_DATA_VERDICT, [code('jump'), string(NFTA_VERDICT_CHAIN, verdict.jump)])
    : nested(NFTA_DATA_VERDICT, [code('goto'), string(NFTA_VERDICT_CHAIN, verdict.goto)])
}

export const verdict = (end: Verdict): Expression => ({
  name: 'immediate',
  attributes: [be32(1, NFT_REG_VERDICT), nested(2, [verdictData(end)])],
})

export const counter = (): Expression => ({ name: 'counter', attributes: [] })

/** Source NAT to the address of the outgoing interface; only in chains of type nat at postrouting. */
export const masquerade = (): Expression => ({ name: 'masq', attributes: [] })

/** The list of expressions as an attribute of the given type. */
export const expressionList = (type: number, expressions: readonly Expression[]): Attribute =>
  nested(
    type,
    expressions.map(({ name, attributes }) => nested(NFTA_LIST_ELEM, [string(1, name), nested(2, attributes)])),
  )
