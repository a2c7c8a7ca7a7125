import { DockerfileError } from '../dockerfile-error.ts'
import { MAX_IGNORE_BYTES } from '../limits.ts'
import { cleanPath } from './clean-path.ts'

/**
 * The patterns of a .dockerignore, cleaned, in order, those that take back with their "!". Lines that begin with "#" are
 * comments. Throws TOO_LARGE.
 */
export function parseIgnoreFile(text: string): string[] {
  const bytes = Buffer.byteLength(text)
  if (bytes > MAX_IGNORE_BYTES) {
    const message = `the .dockerignore has ${bytes} bytes; at most ${MAX_IGNORE_BYTES} are read`
    throw new DockerfileError('TOO_LARGE', message)
  }
  return text
    .replace(/^\ufeff/, '')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(cleanLine)
}

function cleanLine(line: string): string {
  const takesBack = line.startsWith('!')
  const path = takesBack ? line.slice(1).trim() : line
  if (path === '') return line
  const clean = cleanPath(path)
  const relative = clean.length > 1 && clean.startsWith('/') ? clean.slice(1) : clean
  return takesBack ? `!${relative}` : relative
}
