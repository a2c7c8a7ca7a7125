import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const START_TIMEOUT_MS = 60_000

/** For `test(..., { skip: needsDocker() })`. */
export function needsDocker(): false | string {
  const missing = ['dockerd', 'docker'].find((tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status !== 0)
  return missing === undefined ? false : `needs ${missing} of Debian's package docker.io`
}

/** The docker engine that Debian has, on a folder of its own. Call it inside namespaces (see inNamespaces). */
export class DockerEngine implements AsyncDisposable {
  /** For DOCKER_HOST. */
  readonly host: string
  readonly #dir: string
  readonly #daemon: ChildProcess

  private constructor(dir: string, daemon: ChildProcess) {
    this.#dir = dir
    this.#daemon = daemon
    this.host = `unix://${join(dir, 'sock')}`
  }

  /** Waits until it answers. A text is the reason why it does not run here. */
  static async start(): Promise<DockerEngine | string> {
    const dir = mkdtempSync(join(tmpdir(), 'csn-docker-'))
    const log = openSync(join(dir, 'log'), 'a')
    const places = ['--data-root', join(dir, 'data'), '--exec-root', join(dir, 'exec'), '--pidfile', join(dir, 'pid')]
    const alone = ['--storage-driver', 'vfs', '--iptables=false', '--ip6tables=false', '--bridge=none']
    const stdio = ['ignore', log, log] as const
    const daemon = spawn('dockerd', [...places, ...alone, '--host', `unix://${join(dir, 'sock')}`], {
      stdio: [...stdio],
    })
    closeSync(log)
    const engine = new DockerEngine(dir, daemon)
    for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline && daemon.exitCode === null; ) {
      if (spawnSync('docker', ['--host', engine.host, 'version'], { stdio: 'ignore' }).status === 0) return engine
      await sleep(100)
    }
    const last = readFileSync(join(dir, 'log'), 'utf8').trim().split('\n').at(-1)
    await engine[Symbol.asyncDispose]()
    return `dockerd does not run here: ${last}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#daemon.exitCode === null && this.#daemon.signalCode === null) {
      const ended = once(this.#daemon, 'exit')
      this.#daemon.kill('SIGTERM')
      await ended
    }
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
