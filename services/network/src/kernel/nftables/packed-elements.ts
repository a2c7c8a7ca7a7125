import { writeAttributes } from '../attribute.ts'
import { type Element, elementAttribute, type PackedElements } from './object.ts'

// Headers of the element, its key (and data), and of the value in it.
const KEY_OFFSET = 12
const DATA_OFFSET = 8

const padded = (length: number): number => (length + 3) & ~3

/**
 * Elements that only differ in a few bytes, ready to be sent: thousands of them cost no object each. `change` gets each copy of the first element: where its key and its data begin.
 */
export function repeatElement(
  first: Element,
  count: number,
  change: (bytes: Buffer, keyOffset: number, dataOffset: number, index: number) => void,
): PackedElements {
  const template = Buffer.alloc(256)
  const elementBytes = writeAttributes(template, 0, [elementAttribute(first)])
  const bytes = Buffer.alloc(elementBytes * count)
  for (let index = 0; index < count; index++) {
    const offset = index * elementBytes
    template.copy(bytes, offset, 0, elementBytes)
    const key = offset + KEY_OFFSET
    change(bytes, key, key + padded(first.key.length) + DATA_OFFSET, index)
  }
  return { bytes, elementBytes }
}
