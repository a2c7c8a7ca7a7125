import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CaissonError, invalid } from '@caisson/api'
import type { Logger } from '@caisson/service-kit'
import type { PasswordHasher } from './password/hasher.ts'
import { checkNewPassword } from './password/strength.ts'
import { parsePattern } from './pattern.ts'
import { checkUserName } from './user-name.ts'
import type { Users } from './users.ts'

export type FirstAdminDeps = {
  readonly users: Users
  readonly hasher: PasswordHasher
  readonly dataDir: string
  readonly config: { readonly adminName: string; readonly adminPasswordFile?: string | undefined }
  readonly log: Logger
}

export const PASSWORD_FILE = 'first-admin-password'

/**
 * Makes the first administrator when there is no user at all. There is no default password: it is the configured one, or
 * is made up and written to a file that only the service's user reads. Throws WEAK_PASSWORD or INVALID_CONFIG for a
 * configured one that is no good, also when it is not needed any more.
 */
export async function ensureFirstAdmin({ users, hasher, dataDir, config, log }: FirstAdminDeps): Promise<void> {
  const name = checkUserName(config.adminName)
  const configured = config.adminPasswordFile
  const given = configured === undefined ? undefined : await configuredPassword(name, configured)
  if ((await users.list('', 1)).length > 0) return
  const file = join(dataDir, PASSWORD_FILE)
  const password = given ?? randomBytes(24).toString('base64url')
  // Before the user is made: killed in between, the next start makes another password.
  if (given === undefined) await writeSecret(file, `${password}\n`)
  const grants = [{ repositories: parsePattern('*'), rights: ['admin' as const] }]
  try {
    await users.create(name, await hasher.hash(password), grants)
  } catch (error) {
    // Another process of the pool was faster, and has told its own password.
    if (!(error instanceof CaissonError && error.code === 'already-exists')) throw error
    if (given === undefined) await rm(file, { force: true })
    return
  }
  if (given === undefined) log.warn({ user: name, file }, 'made the first administrator: its password is in the file')
  else log.info({ user: name }, 'made the first administrator with the configured password')
}

async function configuredPassword(name: string, file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw invalid(`the password of the first administrator cannot be read from ${file}`, {
      reason: 'INVALID_CONFIG',
      cause,
    })
  })
  const password = text.replace(/\r?\n$/, '')
  checkNewPassword(name, password)
  return password
}

async function writeSecret(file: string, text: string): Promise<void> {
  const fresh = `${file}.${randomBytes(6).toString('hex')}`
  const handle = await open(fresh, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(fresh, file)
}
