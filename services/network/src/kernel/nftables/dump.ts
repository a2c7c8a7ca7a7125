import { eachAttribute, parseAttributes, readBe32, readString } from '../attribute.ts'
import type { Answer } from '../message.ts'
import { type Family, families, messageType } from './object.ts'

/** What the kernel lists of nf_tables: enough to see that what should be there is there. */

const HEADER_BYTES = 4
const noBytes = Buffer.alloc(0)

const familyOf = (answer: Answer): Family | undefined =>
  Object.keys(families)
    .filter((name): name is Family => name in families)
    .find((name) => families[name] === answer.payload[0])

export type ListedTable = { readonly family: Family | undefined; readonly name: string; readonly flags: number }

export function parseTable(answer: Answer): ListedTable | undefined {
  if (answer.type !== messageType('newTable') && answer.type !== messageType('delTable')) return undefined
  const attributes = parseAttributes(answer.payload.subarray(HEADER_BYTES))
  return { family: familyOf(answer), name: readString(attributes.get(1)), flags: readBe32(attributes.get(2)) ?? 0 }
}

/** Whether the notification says that a table is gone. */
export const isTableRemoval = (answer: Answer): boolean => answer.type === messageType('delTable')

export type ListedChain = { readonly table: string; readonly name: string }

export function parseChain(answer: Answer): ListedChain | undefined {
  if (answer.type !== messageType('newChain')) return undefined
  const attributes = parseAttributes(answer.payload.subarray(HEADER_BYTES))
  return { table: readString(attributes.get(1)), name: readString(attributes.get(3)) }
}

export type ListedRule = { readonly table: string; readonly chain: string; readonly expressions: readonly string[] }

export function parseRule(answer: Answer): ListedRule | undefined {
  if (answer.type !== messageType('newRule')) return undefined
  const attributes = parseAttributes(answer.payload.subarray(HEADER_BYTES))
  const list = [...eachAttribute(attributes.get(4) ?? noBytes)]
  return {
    table: readString(attributes.get(1)),
    chain: readString(attributes.get(2)),
    expressions: list.map(([, value]) => readString(parseAttributes(value).get(1))),
  }
}

/** Keys of the elements in an answer to dumpElements. */
export function parseElementKeys(answer: Answer): Buffer[] {
  if (answer.type !== messageType('newSetElem')) return []
  const attributes = parseAttributes(answer.payload.subarray(HEADER_BYTES))
  const keys: Buffer[] = []
  for (const [, element] of eachAttribute(attributes.get(3) ?? noBytes)) {
    const key = parseAttributes(element).get(1)
    const value = key === undefined ? undefined : parseAttributes(key).get(1)
    if (value !== undefined) keys.push(value)
  }
  return keys
}
