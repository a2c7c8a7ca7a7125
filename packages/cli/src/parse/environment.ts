import { readFileSync } from 'node:fs'
import { invalid } from '@caisson/api/error'
import { refuse } from './refusal.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Variables for a container, as NAME=value: what the files give, then what --env gives. NAME alone takes the value of the
 * caller's own environment, and is left out when that has none.
 */
export function environmentOf(
  files: readonly string[],
  values: readonly string[],
  own: Environment = process.env,
): string[] {
  const fromFiles = files.flatMap((file) => parseEnvFile(readText(file), file, own))
  return [...fromFiles, ...values.flatMap((value) => variable('--env', value, own))]
}

/**
 * The text of an env file: a variable a line. Empty lines and lines that begin with # are skipped, blanks before the name
 * are dropped, and the value is taken as it stands: quotes are a part of it.
 */
export function parseEnvFile(text: string, file: string, own: Environment): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line, index) => {
      const entry = line.trimStart()
      return entry === '' || entry.startsWith('#') ? [] : variable(`${file}, line ${index + 1}`, entry, own)
    })
}

function variable(what: string, value: string, own: Environment): string[] {
  const at = value.indexOf('=')
  const name = at < 0 ? value : value.slice(0, at)
  if (name === '' || /[\s\0]/.test(name) || value.includes('\0'))
    throw refuse(what, value, 'is not a variable: write it as NAME=value, without blanks in the name')
  if (at >= 0) return [value]
  const inherited = own[name]
  return inherited === undefined ? [] : [`${name}=${inherited}`]
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw invalid(`--env-file: cannot read ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}
