import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { CaissonError } from '@caisson/api'
import type { HostTrees } from '../volumes/ports.ts'

const execute = promisify(execFile)

/**
 * Trees of this host, by the tools that every distribution has: they walk by descriptors, follow nothing, and manage trees
 * that are deeper than a path can say. Each is a process of its own, which ends with the call.
 */
export function hostTrees(): HostTrees {
  return {
    remove: async (path, signal) => void (await tool('rm', ['-rf', '--one-file-system', '--', path], signal)),
    usage: async (path, signal) => {
      const printed = await tool('du', ['-s', '-x', '--block-size=1', '--', path], signal)
      return Number(printed.split('\t', 1)[0])
    },
    copy: async (from, to, signal) => {
      await tool('cp', ['-a', '--reflink=auto', '-x', '--', `${from}/.`, to], signal)
    },
    sync: async (path, signal) => void (await tool('sync', ['-f', '--', path], signal)),
    mountTmpfs: async (path, options, signal) => {
      if (isMountPoint(path)) return
      await tool('mount', ['-t', 'tmpfs', '-o', ['nosuid', 'nodev', ...options].join(','), 'tmpfs', path], signal)
    },
    unmount: async (path, signal) => {
      if (isMountPoint(path)) await tool('umount', ['--', path], signal)
    },
  }
}

function isMountPoint(path: string): boolean {
  const [inside, outside] = [path, dirname(path)].map((each) => statSync(each, { throwIfNoEntry: false }))
  return inside !== undefined && outside !== undefined && inside.dev !== outside.dev
}

const NO_SPACE = /No space left|quota exceeded/i

async function tool(program: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  try {
    return (await execute(program, args, { signal, env: { ...process.env, LC_ALL: 'C' } })).stdout
  } catch (cause) {
    signal.throwIfAborted()
    const said = (cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : String(cause))
      .trim()
      .slice(0, 500)
    const isFull = NO_SPACE.test(said)
    throw new CaissonError(isFull ? 'resource-exhausted' : 'internal', `${program}: ${said}`, {
      reason: isFull ? 'NO_SPACE' : 'VOLUME_IO',
      cause,
    })
  }
}
