const LABEL_BYTES = 63
const NAME_BYTES = 255

/**
 * A name as it stands in DNS messages (RFC 1035, 3.1): labels with their lengths, and the empty one at the end. Undefined
 * when nobody could ask for it: an empty or a too long label, more than 255 bytes in all.
 */
export function encodeDomainName(name: string): Buffer | undefined {
  const labels = name
    .replace(/\.$/, '')
    .split('.')
    .map((label) => Buffer.from(label))
  if (labels.some(({ length }) => length === 0 || length > LABEL_BYTES)) return undefined
  const bytes = Buffer.concat([...labels.flatMap((label) => [Buffer.of(label.length), label]), Buffer.of(0)])
  return bytes.length > NAME_BYTES ? undefined : bytes
}
