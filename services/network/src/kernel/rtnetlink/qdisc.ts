import { attribute, nested, parseAttributes, readString, string, u32 } from '../attribute.ts'
import { type Answer, type Message, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_REPLACE } from '../message.ts'

const RTM_NEWQDISC = 36
const RTM_DELQDISC = 37
const RTM_GETQDISC = 38

const TC_H_ROOT = 0xffffffff

const TCA_KIND = 1
const TCA_OPTIONS = 2
const TCA_TBF_PARMS = 1
const TCA_TBF_RATE64 = 4
const TCA_TBF_BURST = 6

const TC_LINKLAYER_ETHERNET = 1
const MOST_32 = 0xffffffff

/** A token bucket (tc-tbf(8)), in bytes and bytes a second. */
export type TokenBucket = {
  readonly bytesPerSecond: bigint
  /** What may go at once; a greater packet is cut when it can be, and dropped otherwise. */
  readonly burst: number
  /** What may wait, besides. */
  readonly queue: number
}

/** struct tcmsg */
function header(index: number): Buffer {
  const bytes = Buffer.alloc(20)
  bytes.writeInt32LE(index, 4)
  bytes.writeUInt32LE(TC_H_ROOT, 12)
  return bytes
}

const TBF_PARAMETERS_BYTES = 36
const LINK_LAYER_OFFSET = 1
const RATE_OFFSET = 8
const LIMIT_OFFSET = 24

/** struct tc_tbf_qopt: the rate (struct tc_ratespec), that of the peak, the limit, and what TCA_TBF_BURST says better. */
function parametersOf({ bytesPerSecond, burst, queue }: TokenBucket): Buffer {
  const bytes = Buffer.alloc(TBF_PARAMETERS_BYTES)
  bytes.writeUInt8(TC_LINKLAYER_ETHERNET, LINK_LAYER_OFFSET)
  bytes.writeUInt32LE(Number(bytesPerSecond > MOST_32 ? MOST_32 : bytesPerSecond), RATE_OFFSET)
  bytes.writeUInt32LE(Math.min(burst + queue, MOST_32), LIMIT_OFFSET)
  return bytes
}

function rate64(bytesPerSecond: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(bytesPerSecond)
  return bytes
}

/** What leaves through the interface goes through the bucket; one that is there changes in place and loses nothing. */
export const setTokenBucket = (index: number, bucket: TokenBucket): Message => ({
  type: RTM_NEWQDISC,
  flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
  body: header(index),
  attributes: [
    string(TCA_KIND, 'tbf'),
    nested(TCA_OPTIONS, [
      attribute(TCA_TBF_PARMS, parametersOf(bucket)),
      u32(TCA_TBF_BURST, bucket.burst),
      ...(bucket.bytesPerSecond > MOST_32 ? [attribute(TCA_TBF_RATE64, rate64(bucket.bytesPerSecond))] : []),
    ]),
  ],
})

/** Back to what the interface had by itself. ENOENT when it has that. */
export const deleteRootQdisc = (index: number): Message => ({
  type: RTM_DELQDISC,
  flags: NLM_F_ACK,
  body: header(index),
  attributes: [],
})

export const dumpQdiscs = (): Message => ({
  type: RTM_GETQDISC,
  flags: NLM_F_DUMP,
  body: header(0),
  attributes: [],
})

export type Qdisc = { readonly index: number; readonly kind: string; readonly bytesPerSecond: bigint | undefined }

const HEADER_BYTES = 20
const noBytes = Buffer.alloc(0)

/** `bytesPerSecond`: of a token bucket. */
export function parseQdisc(answer: Answer): Qdisc | undefined {
  if (answer.type !== RTM_NEWQDISC || answer.payload.length < HEADER_BYTES) return undefined
  const attributes = parseAttributes(answer.payload.subarray(HEADER_BYTES))
  const kind = readString(attributes.get(TCA_KIND))
  return {
    index: answer.payload.readInt32LE(4),
    kind,
    bytesPerSecond: kind === 'tbf' ? rateOf(attributes.get(TCA_OPTIONS) ?? noBytes) : undefined,
  }
}

function rateOf(options: Buffer): bigint | undefined {
  const attributes = parseAttributes(options)
  const large = attributes.get(TCA_TBF_RATE64)
  if (large !== undefined && large.length >= 8) return large.readBigUInt64LE(0)
  const parameters = attributes.get(TCA_TBF_PARMS)
  return parameters !== undefined && parameters.length >= TBF_PARAMETERS_BYTES
    ? BigInt(parameters.readUInt32LE(RATE_OFFSET))
    : undefined
}
