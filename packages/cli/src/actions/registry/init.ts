import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { alreadyExists, invalid } from '@caisson/api/error'
import { EXIT_OK } from '../../exit-code.ts'
import { parseInteger } from '../../parse/numbers.ts'
import { refuse } from '../../parse/refusal.ts'
import type { Action } from '../../spec.ts'
import { configFile } from '../../supervisor/chosen-services.ts'
import { makeDirectory } from '../../supervisor/make-directory.ts'

const DEFAULT_LISTEN = '127.0.0.1:5000'

/** Writes the configuration that makes `up` start a registry. */
export const registryInit: Action = async ({ layout, out, command }, _args, options) => {
  const file = configFile(layout, 'registry')
  if (existsSync(file)) throw alreadyExists('configuration', file, 'edit it, or move it away first')
  const [certificate, key] = [pemFile(options.text('tlsCert')), pemFile(options.text('tlsKey'))]
  if ((certificate === undefined) !== (key === undefined))
    throw invalid('--tls-cert and --tls-key belong together', { reason: 'USAGE' })
  const config = {
    ...parseListen(options.text('listen') ?? DEFAULT_LISTEN),
    ...(certificate && { tls: { certificate, key } }),
    ...(options.text('publicUrl') && { publicUrl: options.text('publicUrl') }),
  }
  const passwordFile = join(layout.stateDir, 'registry', 'first-admin-password')
  makeDirectory(dirname(file), 0o755)
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o644 })
  renameSync(draft, file)
  if (out.json) out.document({ file, config })
  else {
    out.line(`wrote ${file}`)
    out.note(`'${command} up -d' starts the registry; its first user is admin, with the password in ${passwordFile}`)
  }
  return EXIT_OK
}

/** "127.0.0.1:5000", "[::]:443", "0.0.0.0:5000". */
function parseListen(text: string): { host: string; port: number } {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const host = found?.[1] ?? found?.[2]
  if (host === undefined) throw refuse('--listen', text, 'is not ADDRESS:PORT')
  return { host, port: parseInteger('--listen', found?.[3] ?? '', 0, 65_535) }
}

function pemFile(path: string | undefined): string | undefined {
  if (path === undefined || isAbsolute(path)) return path
  throw invalid(`${path} must be an absolute path: the service runs elsewhere`, { reason: 'USAGE' })
}
