/**
 * Netlink attributes (linux/netlink.h, struct nlattr): length, type, value, padded to four bytes. A value is bytes, or
 * more attributes, which may stand behind a fixed structure.
 */
export type Attribute = {
  readonly type: number
  readonly value: Uint8Array | Nested
}

export type Nested = {
  readonly header?: Uint8Array
  readonly attributes: readonly Attribute[]
}

export type ParsedAttributes = ReadonlyMap<number, Buffer>

const NLA_F_NESTED = 0x8000
const NLA_TYPE_MASK = 0x3fff
const HEADER_BYTES = 4
const MAX_BYTES = 0xffff

export const align = (length: number): number => (length + 3) & ~3

export const attribute = (type: number, value: Uint8Array): Attribute => ({ type, value })

export const flag = (type: number): Attribute => ({ type, value: new Uint8Array(0) })

export const u8 = (type: number, value: number): Attribute => attribute(type, Uint8Array.of(value))

export function u16(type: number, value: number): Attribute {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return attribute(type, bytes)
}

/** In the machine's byte order: every machine we run on is little endian. */
export function u32(type: number, value: number): Attribute {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return attribute(type, bytes)
}

/** In network byte order, as nf_tables wants its numbers. */
export function be32(type: number, value: number): Attribute {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return attribute(type, bytes)
}

/** With the NUL behind it that the kernel expects. */
export const string = (type: number, value: string): Attribute => attribute(type, Buffer.from(`${value}\0`))

export const nested = (type: number, attributes: readonly Attribute[], header?: Uint8Array): Attribute => ({
  type,
  value: header === undefined ? { attributes } : { attributes, header },
})

const valueBytes = (value: Uint8Array | Nested): number =>
  value instanceof Uint8Array ? value.length : align(value.header?.length ?? 0) + attributesBytes(value.attributes)

export const attributesBytes = (attributes: readonly Attribute[]): number =>
  attributes.reduce((sum, each) => sum + align(HEADER_BYTES + valueBytes(each.value)), 0)

/** Writes them at `offset` and returns the offset behind. Padding must be zero already. RangeError above 65,535 bytes. */
export function writeAttributes(target: Buffer, offset: number, attributes: readonly Attribute[]): number {
  let position = offset
  for (const { type, value } of attributes) {
    const length = HEADER_BYTES + valueBytes(value)
    if (length > MAX_BYTES) throw new RangeError(`netlink attribute ${type} of ${length} bytes is too long`)
    target.writeUInt16LE(length, position)
    if (value instanceof Uint8Array) {
      target.writeUInt16LE(type, position + 2)
      target.set(value, position + HEADER_BYTES)
    } else {
      target.writeUInt16LE(type | NLA_F_NESTED, position + 2)
      if (value.header !== undefined) target.set(value.header, position + HEADER_BYTES)
      writeAttributes(target, position + HEADER_BYTES + align(value.header?.length ?? 0), value.attributes)
    }
    position += align(length)
  }
  return position
}

/** Each attribute in order, with its bytes in place. Stops at what is cut short. */
export function* eachAttribute(bytes: Uint8Array): Generator<[type: number, value: Buffer]> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let position = 0
  while (position + HEADER_BYTES <= buffer.length) {
    const length = buffer.readUInt16LE(position)
    if (length < HEADER_BYTES || position + length > buffer.length) return
    const type = buffer.readUInt16LE(position + 2) & NLA_TYPE_MASK
    yield [type, buffer.subarray(position + HEADER_BYTES, position + length)]
    position += align(length)
  }
}

/** The last one of each type. */
export const parseAttributes = (bytes: Uint8Array): ParsedAttributes => new Map(eachAttribute(bytes))

export const readString = (value: Buffer | undefined): string => {
  if (value === undefined) return ''
  const end = value.indexOf(0)
  return value.toString('utf8', 0, end === -1 ? value.length : end)
}

export const readU32 = (value: Buffer | undefined): number | undefined =>
  value !== undefined && value.length >= 4 ? value.readUInt32LE(0) : undefined

export const readBe32 = (value: Buffer | undefined): number | undefined =>
  value !== undefined && value.length >= 4 ? value.readUInt32BE(0) : undefined
