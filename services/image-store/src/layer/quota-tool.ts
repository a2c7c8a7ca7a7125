import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { CaissonError } from '@caisson/api'
import type { ProjectUsage, QuotaState, QuotaTool } from '../quota/ports.ts'
import { runHelper } from './helper-process.ts'
import { LayerError } from './layer-error.ts'

const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
const FILESYSTEMS = ['ext4', 'xfs', 'other'] as const

/** Quotas through the helper: `program` is the path of caisson-layer. */
export function quotaTool(program: string): QuotaTool {
  const ask = async (path: string, args: readonly (string | number)[], signal: AbortSignal): Promise<Answer> => {
    await using directory = await open(path, FLAGS)
    try {
      return await runHelper({ program, args: ['quota', ...args.map(String)], directory: directory.fd, signal })
    } catch (error) {
      if (!(error instanceof LayerError)) throw error
      throw new CaissonError('internal', `a quota of the image store failed: ${error.message}`, { cause: error })
    }
  }
  return {
    quotaState: async (path, signal) => asState(await ask(path, ['state'], signal)),
    quotaUsage: async (path, project, signal) => asUsage(await ask(path, ['usage', project], signal)),
    setQuota: async (path, { project, bytes, names }, signal) => {
      await ask(path, ['set', project, bytes, ...names], signal)
    },
  }
}

type Answer = Readonly<Record<string, unknown>>

function asState(answer: Answer): QuotaState {
  const filesystem = FILESYSTEMS.find((each) => each === answer['filesystem']) ?? 'other'
  return { filesystem, accounts: answer['accounts'] === true, enforces: answer['enforces'] === true }
}

const asUsage = (answer: Answer): ProjectUsage => ({
  bytes: Number(answer['bytes']),
  inodes: Number(answer['inodes']),
})
