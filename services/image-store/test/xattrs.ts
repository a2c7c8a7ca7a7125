import { spawnSync } from 'node:child_process'

const PREFIX = 'SCHILY.xattr.'
const BLOCK = 512

/** The extended attributes of a file, values in hexadecimal. Node has no call for them; GNU tar writes them down. */
export function attributesOf(root: string, path: string): Record<string, string> {
  const args = ['--xattrs', '--xattrs-include=*', '--format=pax', '--no-recursion', '-C', root, '-cf', '-', path]
  const { status, stdout, stderr } = spawnSync('tar', args)
  if (status !== 0) throw new Error(`cannot read attributes: ${stderr}`)
  if (stdout.toString('latin1', 156, 157) !== 'x') return {}
  const size = Number.parseInt(stdout.toString('latin1', 124, 135), 8)
  return Object.fromEntries(records(stdout.subarray(BLOCK, BLOCK + size)))
}

/** Those of a pax header that are attributes, by name. */
function records(data: Buffer): [string, string][] {
  const found: [string, string][] = []
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(' ', at)
    const end = at + Number(data.toString('latin1', at, space))
    const equals = data.indexOf('=', space)
    const key = data.toString('utf8', space + 1, equals)
    if (key.startsWith(PREFIX)) found.push([key.slice(PREFIX.length), data.toString('hex', equals + 1, end - 1)])
    at = end
  }
  return found.sort()
}
