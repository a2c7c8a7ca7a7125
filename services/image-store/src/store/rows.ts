import type { Digest } from '@caisson/oci'

type Row = Readonly<Record<string, unknown>>

/** Columns of our own tables: what was checked when it was written is trusted when it is read. */
export const text = (row: Row, column: string): string => String(row[column])
export const number = (row: Row, column: string): number => Number(row[column])
export const flag = (row: Row, column: string): boolean => row[column] === 1
export const digest = (row: Row, column: string): Digest => row[column] as Digest
/** A column in which nothing is the empty text. */
export const optionalDigest = (row: Row, column: string): Digest | undefined =>
  row[column] === '' ? undefined : digest(row, column)
export const json = <T>(row: Row, column: string): T => JSON.parse(text(row, column)) as T

/** Adds to a list in a map. */
export function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key)
  if (list) list.push(value)
  else lists.set(key, [value])
}
