import { constants } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'

/** A one-value file without its line end. */
export async function readTrimmed(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).trim()
}

/** As readTrimmed; undefined for a file that the kernel does not offer here. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readTrimmed(path)
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

/** Writes a control file, which has to exist. */
export async function writeControl(path: string, value: string): Promise<void> {
  await writeFile(path, value, { flag: constants.O_WRONLY })
}

/** ENOENT, and what files of a group just being removed or of a switched-off feature answer. */
export function isAbsence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ABSENT.has(String(error.code))
}

const ABSENT = new Set(['ENOENT', 'ENODEV', 'EOPNOTSUPP', 'ENOTSUP'])

/** Lines of "name number", as memory.stat and cpu.stat have them. */
export function parseFlatKeyed(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>()
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ')
    if (space > 0) values.set(line.slice(0, space), Number(line.slice(space + 1)))
  }
  return values
}

/** A limit file's number; undefined for "max" and for what version 1 has for it. */
export function parseLimit(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || text === 'max') return undefined
  const value = Number(text)
  return Number.isFinite(value) && value < NO_LIMIT ? value : undefined
}

/** Version 1 says "no limit" by the largest multiple of a page: 2^63 less up to 64 KiB. */
const NO_LIMIT = 2 ** 63 - 2 ** 17
