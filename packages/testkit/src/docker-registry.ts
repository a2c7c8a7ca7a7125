import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Certificate } from './certificates.ts'

const PROGRAM = '/usr/bin/docker-registry'
const START_TIMEOUT_MS = 15_000

/** For `test(..., { skip: needsDockerRegistry() })`. */
export function needsDockerRegistry(): false | string {
  return existsSync(PROGRAM) ? false : "needs Debian's package docker-registry"
}

/** Users and passwords of basic authentication, or a token server (see tokenServer). */
export type RegistryAccess =
  | { readonly users: Readonly<Record<string, string>> }
  | {
      readonly token: {
        readonly realm: string
        readonly service: string
        readonly issuer: string
        readonly rootCert: string
      }
    }

export interface DockerRegistryOptions {
  /** Default: everybody may do everything. */
  readonly auth?: RegistryAccess
  /** Default: plain http. */
  readonly tls?: Certificate
  /** Where it keeps its blobs; kept at the end. Default: a new folder, removed at the end. */
  readonly dir?: string
  /** Pull-through cache of this registry: "http://127.0.0.1:5000". */
  readonly proxyOf?: string
  /** Remembers what it knows of blobs, as Debian's own configuration has it. Default: false. */
  readonly cache?: boolean
}

export interface DockerRegistry extends AsyncDisposable {
  /** "127.0.0.1:43215": the registry's name in references. */
  readonly address: string
  /** "http://127.0.0.1:43215". */
  readonly url: string
  readonly dir: string
  readonly pid: number
  stop(): Promise<void>
}

/** Starts Debian's docker-registry on a free port of 127.0.0.1, with deletes on, and waits until it listens. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const work = mkdtempSync(join(tmpdir(), 'csn-registry-'))
  const dir = options.dir ?? join(work, 'data')
  mkdirSync(dir, { recursive: true })
  const config = join(work, 'config.json')
  writeFileSync(config, JSON.stringify(configOf(options, dir, work)))
  const child = spawn(PROGRAM, ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  const stop = async (): Promise<void> => {
    await end(child)
    rmSync(work, { recursive: true, force: true })
  }
  try {
    const address = await listening(child)
    const url = `${options.tls ? 'https' : 'http'}://${address}`
    return { address, url, dir, pid: child.pid ?? 0, stop, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** JSON is YAML. */
function configOf({ auth, tls, proxyOf, cache = false }: DockerRegistryOptions, dir: string, work: string): object {
  return {
    version: '0.1',
    log: { level: 'info', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: dir },
      delete: { enabled: true },
      ...(cache && { cache: { blobdescriptor: 'inmemory' } }),
    },
    http: {
      addr: '127.0.0.1:0',
      secret: 'of the tests',
      ...(tls && { tls: { certificate: tls.certFile, key: tls.keyFile } }),
    },
    ...(auth && { auth: authOf(auth, work) }),
    ...(proxyOf !== undefined && { proxy: { remoteurl: proxyOf } }),
  }
}

function authOf(auth: RegistryAccess, work: string): object {
  if ('token' in auth) {
    const { realm, service, issuer, rootCert } = auth.token
    return { token: { realm, service, issuer, rootcertbundle: rootCert } }
  }
  const path = join(work, 'htpasswd')
  const lines = Object.entries(auth.users).map(([user, password]) =>
    execFileSync('htpasswd', ['-niB', '-C', '4', user], { input: password, encoding: 'utf8' }).trim(),
  )
  writeFileSync(path, `${lines.join('\n')}\n`)
  return { htpasswd: { realm: 'test', path } }
}

/** The registry tells of its port in its log, which is read to its end so that it never blocks. */
async function listening(child: ChildProcess): Promise<string> {
  if (!child.stderr) throw new Error('the registry has no output')
  const lines: string[] = []
  const found = Promise.withResolvers<string>()
  const timer = setTimeout(
    () => found.reject(new Error(`docker-registry does not listen:\n${lines.join('\n')}`)),
    START_TIMEOUT_MS,
  )
  child.once('error', found.reject)
  child.once('exit', () => found.reject(new Error(`docker-registry ended at its start:\n${lines.join('\n')}`)))
  createInterface(child.stderr).on('line', (line) => {
    const address = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1]
    if (address !== undefined) found.resolve(address)
    if (lines.length < 100) lines.push(line)
  })
  return await found.promise.finally(() => clearTimeout(timer))
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
