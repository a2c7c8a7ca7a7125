/**
 * Readers of JSON that came with an image, for looking at it: what is not of the expected kind counts as absent, so that a
 * page shows what there is of a document that no engine would take.
 */
export type Loose = Readonly<Record<string, unknown>>

/** A name and what it stands for. */
export type Entry = readonly [name: string, value: string]

export function looseObject(value: unknown): Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : {}
}

export function looseMember(object: Loose, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

export function looseText(object: Loose, name: string): string {
  const value = looseMember(object, name)
  return typeof value === 'string' ? value : ''
}

export function looseList(object: Loose, name: string): readonly unknown[] {
  const value = looseMember(object, name)
  return Array.isArray(value) ? value : []
}

/** A list of texts; a single text is a list of one, as Docker has written it now and then. */
export function looseTexts(object: Loose, name: string): string[] {
  const value = looseMember(object, name)
  if (typeof value === 'string') return [value]
  return looseList(object, name).filter((item) => typeof item === 'string')
}

/** Members whose values are texts, in the order of their names. */
export function looseEntries(object: Loose, name: string): Entry[] {
  const members = Object.entries(looseObject(looseMember(object, name)))
  const entries = members.flatMap(([key, value]): Entry[] => (typeof value === 'string' ? [[key, value]] : []))
  return entries.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))
}

/** 0 for what is no whole number of bytes. */
export function looseSize(object: Loose, name: string): number {
  const value = looseMember(object, name)
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}

/** Milliseconds since 1970 of an RFC 3339 time; undefined for any other text, and for years that no clock has. */
export function looseTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT/.test(text)) return undefined
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}
