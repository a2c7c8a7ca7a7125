import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { failedPrecondition } from '@caisson/api/error'
import { isStaticProgram } from './elf.ts'

/** What the demo's image is made of. */
export interface DemoProgram {
  readonly kind: 'busybox' | 'inside'
  readonly data: Buffer
  /** Where it came from, in words. */
  readonly from: string
}

const BUSYBOX = ['/usr/bin/busybox', '/bin/busybox', '/usr/local/bin/busybox']
const run = promisify(execFile)

/**
 * Finds a static program for an image: busybox of this machine; or Debian's busybox-static, installed when that is
 * possible; or a small program of our own, compiled from `source`.
 */
export async function findProgram(source: string, say: (text: string) => void): Promise<DemoProgram> {
  const found = findBusybox()
  if (found) return found
  if (process.geteuid?.() === 0 && (await succeeds('apt-get', ['--version']))) {
    say("installing Debian's busybox-static for the image")
    await installBusybox()
    const installed = findBusybox()
    if (installed) return installed
  }
  say('compiling a small program for the image')
  return compile(source)
}

function findBusybox(): DemoProgram | undefined {
  for (const path of BUSYBOX)
    try {
      const data = readFileSync(path)
      if (isStaticProgram(data)) return { kind: 'busybox', data, from: path }
    } catch {
      // Not here: look at the next place.
    }
  return undefined
}

async function installBusybox(): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = ['install', '-y', '--no-install-recommends', 'busybox-static']
  if (await succeeds('apt-get', install, env)) return
  // The lists may be missing or old.
  await succeeds('apt-get', ['update'], env)
  await succeeds('apt-get', install, env)
}

async function compile(source: string): Promise<DemoProgram> {
  const folder = mkdtempSync(join(tmpdir(), 'caisson-demo-'))
  const output = join(folder, 'inside')
  try {
    for (const compiler of ['musl-gcc', 'cc', 'gcc'])
      if (await succeeds(compiler, ['-static', '-Os', '-o', output, source]))
        return { kind: 'inside', data: readFileSync(output), from: `${source}, compiled with ${compiler}` }
  } finally {
    rmSync(folder, { recursive: true })
  }
  throw failedPrecondition(
    'NO_PROGRAM',
    'the demo needs a static program for its image: install busybox-static, or a C compiler (gcc and libc6-dev)',
  )
}

async function succeeds(program: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await run(program, [...args], { timeout: 120_000, ...(env ? { env } : {}) })
    return true
  } catch {
    // Whatever it is, the next way is tried; at the end the error names all of them.
    return false
  }
}
