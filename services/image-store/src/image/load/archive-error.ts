import { CaissonError, exhausted, invalid, unimplemented } from '@caisson/api'

/** An archive that tries something no honest one needs. */
export function unsafe(message: string, path = ''): CaissonError {
  return invalid(`the archive cannot be trusted: ${message}`, { reason: 'UNSAFE_CONTENT', details: pathDetail(path) })
}

/** Something that is not an archive of images. */
export function malformed(message: string, path = ''): CaissonError {
  return invalid(`this is not an archive of images: ${message}`, {
    reason: 'INVALID_ARCHIVE',
    details: pathDetail(path),
  })
}

/** bzip2 and xz. */
export function unreadCompression(what: string): CaissonError {
  return unimplemented(`${what} is compressed with bzip2 or xz, which are not read here: use gzip, zstd or none`, {
    reason: 'COMPRESSION_UNSUPPORTED',
  })
}

export function tooLarge(message: string): CaissonError {
  return exhausted('ARCHIVE_TOO_LARGE', `${message}: raise the limits of image-store if it is meant`)
}

export function truncated(): CaissonError {
  return new CaissonError('data-loss', 'the archive ends too early: send it again, as a whole', { reason: 'TRUNCATED' })
}

const pathDetail = (path: string): Record<string, string> => (path === '' ? {} : { path: path.slice(0, 1024) })
