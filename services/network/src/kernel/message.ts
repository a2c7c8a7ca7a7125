import { type Attribute, align, attributesBytes, parseAttributes, readString, writeAttributes } from './attribute.ts'

/** A netlink message before it has a sequence number: the family's fixed structure, then attributes. */
export type Message = {
  readonly type: number
  readonly flags: number
  readonly body: Uint8Array
  readonly attributes: readonly Attribute[]
}

export type Answer = {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly payload: Buffer
}

/** What the kernel says of one message it refused. `errno` is positive. */
export type Refusal = { readonly sequence: number; readonly errno: number; readonly reason: string }

export const NLM_F_REQUEST = 0x1
export const NLM_F_ACK = 0x4
export const NLM_F_DUMP_INTR = 0x10
export const NLM_F_DUMP = 0x300
export const NLM_F_REPLACE = 0x100
export const NLM_F_EXCL = 0x200
export const NLM_F_CREATE = 0x400
export const NLM_F_APPEND = 0x800
const NLM_F_CAPPED = 0x100
const NLM_F_ACK_TLVS = 0x200

export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3

const HEADER_BYTES = 16
const NLMSGERR_ATTR_MSG = 1

const messageBytes = (message: Message): number =>
  HEADER_BYTES + align(message.body.length) + attributesBytes(message.attributes)

/** The messages behind one another, numbered from `firstSequence`. */
export function encodeMessages(messages: readonly Message[], firstSequence: number): Buffer {
  const batch = Buffer.alloc(messages.reduce((sum, message) => sum + align(messageBytes(message)), 0))
  let offset = 0
  for (const [index, message] of messages.entries()) {
    const length = messageBytes(message)
    batch.writeUInt32LE(length, offset)
    batch.writeUInt16LE(message.type, offset + 4)
    batch.writeUInt16LE(message.flags | NLM_F_REQUEST, offset + 6)
    batch.writeUInt32LE((firstSequence + index) >>> 0, offset + 8)
    batch.set(message.body, offset + HEADER_BYTES)
    writeAttributes(batch, offset + HEADER_BYTES + align(message.body.length), message.attributes)
    offset += align(length)
  }
  return batch
}

/** Each whole message of a datagram or of several behind one another. */
export function* eachAnswer(bytes: Uint8Array): Generator<Answer> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let offset = 0
  while (offset + HEADER_BYTES <= buffer.length) {
    const length = buffer.readUInt32LE(offset)
    if (length < HEADER_BYTES || offset + length > buffer.length) return
    yield {
      type: buffer.readUInt16LE(offset + 4),
      flags: buffer.readUInt16LE(offset + 6),
      sequence: buffer.readUInt32LE(offset + 8),
      payload: buffer.subarray(offset + HEADER_BYTES, offset + length),
    }
    offset += align(length)
  }
}

// Behind the error number stands the header of the refused message (and, when it is not capped, all of it).
function extendedReason(answer: Answer): string {
  if ((answer.flags & NLM_F_ACK_TLVS) === 0 || answer.payload.length < 4 + HEADER_BYTES) return ''
  const echoed = answer.flags & NLM_F_CAPPED ? HEADER_BYTES : answer.payload.readUInt32LE(4)
  return readString(parseAttributes(answer.payload.subarray(4 + align(echoed))).get(NLMSGERR_ATTR_MSG))
}

/** The refusal that an answer carries; undefined for data and for acknowledgements. */
export function refusalOf(answer: Answer): Refusal | undefined {
  if (answer.type !== NLMSG_ERROR && answer.type !== NLMSG_DONE) return undefined
  if (answer.payload.length < 4) return undefined
  const errno = -answer.payload.readInt32LE(0)
  if (errno <= 0) return undefined
  return { sequence: answer.sequence, errno, reason: answer.type === NLMSG_ERROR ? extendedReason(answer) : '' }
}
