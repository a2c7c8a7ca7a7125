/** Reads columns of a row. A column of another type than the schema says is a damaged database: it throws. */
export type Row = Readonly<Record<string, unknown>>

const wrong = (column: string): Error => new Error(`the column ${column} of the database holds an unexpected type`)

export function text(row: Row, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw wrong(column)
  return value
}

export function integer(row: Row, column: string): number {
  const value = row[column]
  if (typeof value !== 'number') throw wrong(column)
  return value
}

export function bytes(row: Row, column: string): Uint8Array {
  const value = row[column]
  if (!(value instanceof Uint8Array)) throw wrong(column)
  return new Uint8Array(value)
}

export function stringMap(row: Row, column: string): Record<string, string> {
  const value: unknown = JSON.parse(text(row, column))
  if (typeof value !== 'object' || value === null) throw wrong(column)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, String(each)]))
}

export function stringList(row: Row, column: string): string[] {
  const value: unknown = JSON.parse(text(row, column))
  if (!Array.isArray(value)) throw wrong(column)
  return value.map(String)
}

export function numberMap(row: Row, column: string): Record<string, number> {
  return Object.fromEntries(Object.entries(stringMap(row, column)).map(([key, each]) => [key, Number(each)]))
}

export function optionalText(row: Row, column: string): string | undefined {
  return row[column] === null ? undefined : text(row, column)
}
