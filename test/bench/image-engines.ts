import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, createReadStream, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { loadImages, pullImages, TestEngine } from '@caisson/testkit'

const run = promisify(execFile)
const START_TIMEOUT_MS = 30_000

/** An engine on a disk of its own, without an image. */
export interface ImageEngine extends AsyncDisposable {
  /** Pulls and unpacks. */
  pull(reference: string): Promise<void>
  /** Pushes under another name. */
  push(reference: string, to: string): Promise<void>
  /** Loads a docker-archive. */
  load(archive: string): Promise<void>
  /** Its service, if it has one. */
  readonly pid?: number
}

export interface EngineKind {
  readonly name: string
  /** Why it cannot run here. */
  readonly lacks: string | undefined
  open(dir: string): Promise<ImageEngine>
}

export const caisson: EngineKind = { name: 'caisson', lacks: undefined, open: openCaisson }
export const docker: EngineKind = { name: 'docker', lacks: lackOf('dockerd', 'docker'), open: openDocker }
export const podman: EngineKind = { name: 'podman', lacks: lackOf('podman'), open: openPodman }

function lackOf(...programs: string[]): string | undefined {
  const missing = programs.find((program) => spawnSync(program, ['--version']).status !== 0)
  return missing === undefined ? undefined : `${missing} is not installed`
}

async function openCaisson(dir: string): Promise<ImageEngine> {
  const engine = await TestEngine.start({ root: dir, services: ['image-store'], bundled: true })
  return {
    pull: async (reference) => void (await pullImages(engine.images, reference)),
    async push(reference, to) {
      await engine.images.tag({ image: reference, reference: to })
      for await (const _ of engine.images.push({ reference: to }));
    },
    load: async (archive) =>
      void (await loadImages(engine.images, createReadStream(archive, { highWaterMark: 1 << 18 }))),
    pid: engine.pid('image-store'),
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  }
}

async function openPodman(dir: string): Promise<ImageEngine> {
  const tmp = join(dir, 'tmp')
  mkdirSync(tmp)
  const places = ['--root', join(dir, 'root'), '--runroot', join(dir, 'run'), '--storage-driver', 'overlay']
  const podman = async (...args: string[]): Promise<void> => {
    await run('podman', [...places, ...args], { env: { ...process.env, TMPDIR: tmp }, maxBuffer: 1 << 26 })
  }
  return {
    pull: (reference) => podman('pull', '-q', '--tls-verify=false', reference),
    push: (reference, to) => podman('push', '-q', '--tls-verify=false', reference, to),
    load: (archive) => podman('load', '-q', '-i', archive),
    async [Symbol.asyncDispose]() {},
  }
}

async function openDocker(dir: string): Promise<ImageEngine> {
  const socket = `unix://${join(dir, 'sock')}`
  const log = openSync(join(dir, 'log'), 'a')
  const places = ['--data-root', join(dir, 'data'), '--exec-root', join(dir, 'exec'), '--pidfile', join(dir, 'pid')]
  const alone = ['--storage-driver', 'overlay2', '--iptables=false', '--ip6tables=false', '--bridge=none']
  const daemon = spawn('dockerd', [...places, ...alone, '--host', socket], { stdio: ['ignore', log, log] })
  closeSync(log)
  const docker = async (...args: string[]): Promise<void> => {
    await run('docker', ['--host', socket, ...args], { maxBuffer: 1 << 26 })
  }
  try {
    await answers(daemon, docker, join(dir, 'log'))
  } catch (error) {
    daemon.kill('SIGKILL')
    throw error
  }
  return {
    pull: (reference) => docker('pull', '-q', reference),
    async push(reference, to) {
      await docker('tag', reference, to)
      await docker('push', '-q', to)
    },
    load: (archive) => docker('load', '-q', '-i', archive),
    pid: daemon.pid ?? 0,
    async [Symbol.asyncDispose]() {
      const ended = once(daemon, 'exit')
      daemon.kill('SIGTERM')
      await ended
    },
  }
}

async function answers(daemon: ChildProcess, docker: (...args: string[]) => Promise<void>, log: string): Promise<void> {
  for (const deadline = Date.now() + START_TIMEOUT_MS; ; await sleep(100)) {
    if (
      await docker('version').then(
        () => true,
        () => false,
      )
    )
      return
    if (daemon.exitCode === null && Date.now() < deadline) continue
    throw new Error(`dockerd does not answer:\n${existsSync(log) ? readFileSync(log, 'utf8').slice(-3_000) : ''}`)
  }
}
