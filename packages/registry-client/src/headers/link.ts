const MAX_LENGTH = 16_384

/** The target of the first link with rel=next (RFC 8288), as it stands there: often relative. Never throws; linear. */
export function parseNextLink(header: string | undefined): string | undefined {
  const text = (header ?? '').slice(0, MAX_LENGTH)
  let at = text.indexOf('<')
  while (at >= 0) {
    const close = text.indexOf('>', at)
    if (close < 0) return undefined
    const end = endOfLink(text, close + 1)
    if (isNext(text.slice(close + 1, end))) return text.slice(at + 1, close)
    at = text.indexOf('<', end)
  }
  return undefined
}

/** Position of the comma that ends a link's parameters, outside of quotes. */
function endOfLink(text: string, start: number): number {
  let isQuoted = false
  let at = start
  while (at < text.length && (isQuoted || text[at] !== ',')) {
    if (text[at] === '\\' && isQuoted) at++
    else if (text[at] === '"') isQuoted = !isQuoted
    at++
  }
  return Math.min(at, text.length)
}

function isNext(parameters: string): boolean {
  return parameters.split(';').some((parameter) => {
    const equals = parameter.indexOf('=')
    if (parameter.slice(0, Math.max(equals, 0)).trim().toLowerCase() !== 'rel') return false
    const value = parameter.slice(equals + 1).trim()
    const relations = value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
    return relations.toLowerCase().split(' ').includes('next')
  })
}
