import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { failedPrecondition, invalid, unavailable } from '@caisson/api'
import { z } from 'zod'
import type { RegistryAuth } from './source.ts'

/** The program of each credential helper that may be run: { "pass": "/usr/bin/docker-credential-pass" }. */
export type HelperPrograms = Readonly<Record<string, string>>

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/
const TIMEOUT_MS = 10_000
const MAX_OUTPUT = 65_536
/** Helpers get nothing of the service's own environment. */
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LANG: 'C.UTF-8' }
/** Of a helper that keeps an identity token. */
const TOKEN_USER = '<token>'

const answerSchema = z.object({ Username: z.string().max(4096), Secret: z.string().max(65_536) })

/**
 * Asks a credential helper (docker-credential-NAME get) for a server. Undefined: it has none. Only the configured
 * program is run, never one that is found by its name. Throws CREDENTIAL_HELPER_UNKNOWN or CREDENTIAL_HELPER_FAILED;
 * nothing that the helper prints is told.
 */
export async function runHelper(
  programs: HelperPrograms,
  name: string,
  server: string,
  signal: AbortSignal,
): Promise<RegistryAuth | undefined> {
  const output = await execute(name, programOf(programs, name), server, signal)
  if (/credentials not found/i.test(output.text)) return undefined
  const answer = answerSchema.safeParse(output.status === 0 ? jsonOf(output.text) : undefined)
  if (!answer.success) throw failed(name, output.status === 0 ? 'its answer is not understood' : 'it reports an error')
  const { Username: username, Secret: secret } = answer.data
  if (username === '' && secret === '') return undefined
  return username === TOKEN_USER ? { identityToken: secret } : { username, password: secret }
}

function programOf(programs: HelperPrograms, name: string): string {
  if (!NAME.test(name))
    throw invalid('a credential helper has a name that is not allowed', { reason: 'CREDENTIAL_HELPER_UNKNOWN' })
  const program = Object.hasOwn(programs, name) ? programs[name] : undefined
  if (program?.startsWith('/')) return program
  const message = `the credential helper ${name} is not configured: give its program by an absolute path`
  throw failedPrecondition('CREDENTIAL_HELPER_UNKNOWN', message, { details: { helper: name } })
}

async function execute(
  name: string,
  program: string,
  server: string,
  signal: AbortSignal,
): Promise<{ status: number | null; text: string }> {
  const limit = new AbortController()
  const ending = AbortSignal.any([signal, limit.signal, AbortSignal.timeout(TIMEOUT_MS)])
  const child = spawn(program, ['get'], {
    env: ENVIRONMENT,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'ignore'],
    signal: ending,
    killSignal: 'SIGKILL',
  })
  const ended = Promise.withResolvers<number | null>()
  child.once('error', ended.reject)
  child.once('close', ended.resolve)
  child.stdin.on('error', () => {})
  child.stdin.end(server)
  let length = 0
  child.stdout.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > MAX_OUTPUT) limit.abort()
  })
  try {
    const [printed, status] = await Promise.all([text(child.stdout), ended.promise])
    return { status, text: printed }
  } catch (error) {
    signal.throwIfAborted()
    throw failed(
      name,
      limit.signal.aborted ? 'it prints too much' : ending.aborted ? 'it does not end' : 'it cannot be run',
      error,
    )
  }
}

function jsonOf(output: string): unknown {
  try {
    return JSON.parse(output)
  } catch {
    return undefined
  }
}

function failed(name: string, why: string, cause?: unknown): Error {
  const message = `the credential helper ${name} gave no credentials: ${why}`
  return unavailable('CREDENTIAL_HELPER_FAILED', message, { details: { helper: name }, cause })
}
