import { closeSync, openSync, readSync } from 'node:fs'
import { invalid } from '@caisson/api/error'
import type { OptionValues } from '../option-values.ts'
import { passwordFromStdin } from './ask.ts'

/** Bytes of a secret; what is more was meant for something else. */
const MOST_BYTES = 4_096

/**
 * What --NAME-stdin or --NAME-file give, without the line's end; '' when neither is there. A secret is no argument: those
 * are seen by everybody on the machine.
 */
export async function secretInput(options: OptionValues, name: 'secret' | 'password'): Promise<string> {
  const file = options.text(`${name}File`)
  if (!options.flag(`${name}Stdin`)) return file === undefined ? '' : fromFile(file, name)
  if (file !== undefined) throw invalid(`--${name}-stdin and --${name}-file exclude each other`, { reason: 'USAGE' })
  return await passwordFromStdin()
}

function fromFile(file: string, name: string): string {
  const bytes = Buffer.alloc(MOST_BYTES + 1)
  let length: number
  try {
    const descriptor = openSync(file, 'r')
    try {
      length = readSync(descriptor, bytes)
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    throw invalid(`cannot read ${file}: ${String(cause)}`, { reason: 'CANNOT_READ', cause })
  }
  const secret = bytes.toString('utf8', 0, length).replace(/\r?\n$/, '')
  if (length <= MOST_BYTES && secret !== '') return secret
  throw invalid(`${file} is to hold a ${name} of 1 to ${MOST_BYTES} bytes`, { reason: 'USAGE' })
}
