import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { failedPrecondition } from '@caisson/api/error'

/** What a user logs in with. */
export interface Login {
  readonly username: string
  readonly password: string
}

/** Members besides `auths` are another program's: they are kept as they are. */
type Config = Record<string, unknown> & { auths?: Record<string, unknown> }

/**
 * Where a user's logins are: CAISSON_AUTH_FILE, or caisson/auth.json below XDG_CONFIG_HOME (~/.config). The form is that
 * of docker's config.json, so that a file can be shared.
 */
export function authFilePath(env: NodeJS.ProcessEnv = process.env): string {
  const own = env['CAISSON_AUTH_FILE']
  if (own) return own
  return join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config'), 'caisson', 'auth.json')
}

/** Keeps a login, readable by this user alone. `registry` is the name in references. */
export function saveLogin(file: string, registry: string, { username, password }: Login): void {
  const config = read(file)
  const auth = Buffer.from(`${username}:${password}`).toString('base64')
  write(file, { ...config, auths: { ...config.auths, [registry]: { auth } } })
}

/** Forgets a login. False when there was none. */
export function removeLogin(file: string, registry: string): boolean {
  const config = read(file)
  if (!config.auths || !Object.hasOwn(config.auths, registry)) return false
  const { [registry]: _gone, ...auths } = config.auths
  write(file, { ...config, auths })
  return true
}

function read(file: string): Config {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw error
  }
  const config = parse(text)
  if (config) return config
  throw failedPrecondition('AUTH_FILE_INVALID', `${file} is not a file of logins: mend it or move it away`, {
    details: { file },
  })
}

/** The text holds secrets: no message may have a piece of it. */
function parse(text: string): Config | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = (one: unknown): one is Record<string, unknown> =>
      typeof one === 'object' && one !== null && !Array.isArray(one)
    return isObject(value) && (value['auths'] === undefined || isObject(value['auths'])) ? value : undefined
  } catch {
    return undefined
  }
}

function write(file: string, config: Config): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}`
  try {
    writeFileSync(draft, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}
