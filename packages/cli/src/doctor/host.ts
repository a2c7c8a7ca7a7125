import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { release } from 'node:os'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'

/** What checks may ask of a host. */
export interface Host {
  readonly root: boolean
  /** Release of the kernel: 6.1.0-28-amd64. */
  readonly kernel: string
  /** Text of a file; undefined when it cannot be read. */
  read(path: string): string | undefined
  exists(path: string): boolean
  /** The configuration the kernel was built with; undefined when it does not tell. */
  kernelConfig(): string | undefined
  /** File system of a path, or of the nearest directory above it that exists. */
  fileSystem(path: string): FileSystem
  /** Runs a program; undefined when there is no such program. */
  probe(program: string, args: readonly string[]): Promise<ProbeResult | undefined>
}

export interface FileSystem {
  /** Magic number (statfs(2)). */
  readonly type: number
  readonly freeBytes: number
  readonly freeInodes: number
  readonly inodes: number
}

export interface ProbeResult {
  readonly succeeded: boolean
  readonly said: string
}

const PROBE_TIMEOUT_MS = 5_000
const run = promisify(execFile)

/** The host this process runs on. */
export function thisHost(): Host {
  return {
    root: process.geteuid?.() === 0,
    kernel: release(),
    read,
    exists: existsSync,
    kernelConfig: () => readZipped('/proc/config.gz') ?? read(`/boot/config-${release()}`),
    fileSystem,
    probe,
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Not there or not for this user: for a check that is the same.
    return undefined
  }
}

function readZipped(path: string): string | undefined {
  try {
    return gunzipSync(readFileSync(path)).toString('latin1')
  } catch {
    return undefined
  }
}

function fileSystem(path: string): FileSystem {
  let nearest = path
  while (nearest !== '/' && !existsSync(nearest)) nearest = nearest.slice(0, nearest.lastIndexOf('/')) || '/'
  const { type, bavail, bsize, ffree, files } = statfsSync(nearest)
  return { type, freeBytes: bavail * bsize, freeInodes: ffree, inodes: files }
}

async function probe(program: string, args: readonly string[]): Promise<ProbeResult | undefined> {
  try {
    const { stdout } = await run(program, [...args], { timeout: PROBE_TIMEOUT_MS })
    return { succeeded: true, said: stdout.trim() }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error)
    return { succeeded: false, said }
  }
}
