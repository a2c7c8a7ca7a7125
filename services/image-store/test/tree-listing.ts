import { createHash } from 'node:crypto'
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A tree as sorted lines, one an entry: path, type, mode, owner, size or device or target, time of modification in
 * nanoseconds, what it is a hard link of, and the digest of its content. Names are bytes, shown as latin1.
 */
export function listTree(root: string): string[] {
  const links = new Map<bigint, string>()
  const lines: string[] = []
  const visit = (path: string): void => {
    const about = lstatSync(Buffer.from(join(root, path), 'latin1'), { bigint: true })
    lines.push(describe(root, path, about, links))
    if (!about.isDirectory()) return
    const names = readdirSync(Buffer.from(join(root, path), 'latin1'), { encoding: 'latin1' })
    for (const name of names.sort()) visit(path === '' ? name : `${path}/${name}`)
  }
  visit('')
  return lines
}

function describe(root: string, path: string, about: BigIntStats, links: Map<bigint, string>): string {
  const file = Buffer.from(join(root, path), 'latin1')
  const mode = (Number(about.mode) & 0o7777).toString(8)
  const owner = `${about.uid}:${about.gid}`
  const first = links.get(about.ino) ?? path
  links.set(about.ino, first)
  const link = first === path || about.isDirectory() ? '' : ` = ${first}`
  const base = `/${path} ${typeOf(about)} ${mode} ${owner} ${about.mtimeNs}`
  if (about.isSymbolicLink()) return `${base} -> ${readlinkSync(file, { encoding: 'latin1' })}${link}`
  if (about.isFile()) return `${base} ${about.size} ${sha256(readFileSync(file))}${link}`
  if (about.isCharacterDevice() || about.isBlockDevice()) return `${base} dev ${about.rdev}${link}`
  return `${base}${link}`
}

function typeOf(about: BigIntStats): string {
  if (about.isFile()) return 'file'
  if (about.isDirectory()) return 'dir'
  if (about.isSymbolicLink()) return 'symlink'
  if (about.isCharacterDevice()) return 'char'
  if (about.isBlockDevice()) return 'block'
  return about.isFIFO() ? 'fifo' : 'other'
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}
