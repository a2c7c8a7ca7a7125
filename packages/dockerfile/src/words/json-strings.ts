import { DockerfileError } from '../dockerfile-error.ts'
import type { Span } from '../lex/span.ts'

/**
 * Reads the exec form: a JSON list of strings, and nothing after it. Undefined for what is no JSON list at all, which
 * then is the shell form. Throws ARGUMENT_INVALID for a list that holds something else than strings.
 */
export function readJsonStrings(span: Span): readonly string[] | undefined {
  if (!span.text.startsWith('[')) return undefined
  const list = parse(span.text)
  if (!Array.isArray(list)) return undefined
  if (list.every((item) => typeof item === 'string')) return list
  const message = 'a list in JSON form holds strings only; put each item in double quotes'
  throw new DockerfileError('ARGUMENT_INVALID', message, span.range)
}

/** Whether someone who wrote this likely meant a JSON list, and not the shell's `[ "$a" = b ]`. */
export function looksLikeJson({ text }: Span): boolean {
  return /^\[['"]/.test(text) || (/^\[\s+['"]/.test(text) && /['"],/.test(text))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
