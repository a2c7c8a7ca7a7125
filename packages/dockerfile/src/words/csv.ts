/** Cuts a line at its commas; a field in double quotes may hold commas, and `""` for a quote. Undefined when broken. */
export function splitCsv(text: string): string[] | undefined {
  const fields: string[] = []
  let at = 0
  for (;;) {
    const field = text[at] === '"' ? quotedField(text, at) : plainField(text, at)
    if (field === undefined) return undefined
    fields.push(field.value)
    if (field.end >= text.length) return fields
    if (text[field.end] !== ',') return undefined
    at = field.end + 1
  }
}

function plainField(text: string, start: number): { value: string; end: number } | undefined {
  const comma = text.indexOf(',', start)
  const end = comma < 0 ? text.length : comma
  const value = text.slice(start, end)
  return value.includes('"') ? undefined : { value, end }
}

function quotedField(text: string, start: number): { value: string; end: number } | undefined {
  let at = start + 1
  const parts: string[] = []
  for (;;) {
    const quote = text.indexOf('"', at)
    if (quote < 0) return undefined
    parts.push(text.slice(at, quote))
    if (text[quote + 1] !== '"') return { value: parts.join('"'), end: quote + 1 }
    at = quote + 2
  }
}
