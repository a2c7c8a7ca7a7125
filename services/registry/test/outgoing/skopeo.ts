import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { type Digest, digestOf } from '@caisson/oci'

const run = promisify(execFile)

export const needsSkopeo = (): false | string =>
  existsSync('/usr/bin/skopeo') ? false : "needs Debian's package skopeo"

/** The digest of what a registry sends for a name: "127.0.0.1:5000/team/app:1". */
export async function digestAt(name: string, credentials?: string): Promise<Digest> {
  const login = credentials === undefined ? ['--no-creds'] : ['--creds', credentials]
  const args = ['inspect', '--raw', '--tls-verify=false', ...login, `docker://${name}`]
  const { stdout } = await run('skopeo', args, { encoding: 'buffer', timeout: 30_000 })
  return digestOf(stdout)
}

/** Copies an image with all its platforms to a folder: every blob is fetched, and its digest checked. */
export async function fetchAll(name: string, dir: string, credentials?: string): Promise<void> {
  const login = credentials === undefined ? ['--src-no-creds'] : ['--src-creds', credentials]
  const args = ['copy', '--all', '--src-tls-verify=false', ...login, `docker://${name}`, `dir:${dir}`]
  await run('skopeo', args, { timeout: 60_000 })
}
