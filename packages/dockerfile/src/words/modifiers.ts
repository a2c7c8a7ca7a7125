import { shown } from '../dockerfile-error.ts'
import type { Expander } from './expand.ts'
import { compilePattern, type Pattern, replaceMatches, trimPrefix, trimSuffix } from './pattern.ts'

/** What stands between `${` and `}`, evaluated; the reader stands behind `${`. */
export function modify(reader: Expander): string {
  const first = reader.peek()
  if (first === undefined) throw reader.error('a "}" is missing')
  if (first === '{' || first === '}' || first === ':')
    throw reader.error('the name of a variable is missing after "${"')
  const name = reader.readName()
  const modifier = reader.next()
  switch (modifier) {
    case '}':
      return reader.lookup(name) ?? ''
    case ':':
      return modifyByValue(reader, name, reader.next(), true)
    case '-':
    case '+':
    case '?':
      return modifyByValue(reader, name, modifier, false)
    case '#':
    case '%':
      return trim(reader, name, modifier)
    case '/':
      return replace(reader, name)
    case undefined:
      throw reader.error('a "}" is missing')
    default:
      throw unknownModifier(reader, modifier)
  }
}

/** `-`, `+` and `?`; after a colon an empty value counts as none. */
function modifyByValue(reader: Expander, name: string, modifier: string | undefined, emptyIsNone: boolean): string {
  if (modifier !== '-' && modifier !== '+' && modifier !== '?') {
    throw unknownModifier(reader, `:${modifier ?? ''}`)
  }
  const word = reader.readUntil('}', false)
  const value = reader.lookup(name, modifier === '?')
  const isNone = value === undefined || (emptyIsNone && value === '')
  if (modifier === '-') return isNone ? word : value
  if (modifier === '+') return isNone ? '' : word
  if (!isNone) return value
  const why = word === '' ? `it may not be ${value === undefined ? 'unset' : 'empty'}` : word
  throw reader.error(`${name}: ${why}`, 'VARIABLE_REQUIRED')
}

/** `#` and `##` take a beginning away, `%` and `%%` an end; doubled they take the longest. */
function trim(reader: Expander, name: string, modifier: '#' | '%'): string {
  const longest = reader.peek() === modifier
  if (longest) reader.next()
  const pattern = compile(reader, reader.readUntil('}', true))
  const value = reader.lookup(name) ?? ''
  const cut = modifier === '#' ? trimPrefix : trimSuffix
  return cut(pattern, value, longest, (steps) => reader.pay(steps))
}

/** `${v/pattern/replacement}` for the first match, `${v//pattern/replacement}` for all. */
function replace(reader: Expander, name: string): string {
  const all = reader.peek() === '/'
  if (all) reader.next()
  const pattern = compile(reader, reader.readUntil('/', true))
  const by = reader.readUntil('}', true)
  const value = reader.lookup(name) ?? ''
  return replaceMatches(pattern, value, by, all, (steps) => reader.pay(steps))
}

function compile(reader: Expander, text: string): Pattern {
  const pattern = compilePattern(text)
  if (pattern === undefined) {
    throw reader.error(`the pattern ${shown(text)} escapes what needs no escape; only *, ?, \\, } and / do`)
  }
  return pattern
}

function unknownModifier(reader: Expander, modifier: string) {
  const known = 'known are -, :-, +, :+, ?, :?, #, ##, %, %%, / and //'
  return reader.error(`the modifier ${shown(modifier)} is not known; ${known}`)
}
