import type { Partially } from '@caisson/api'
import type { Platform } from '@caisson/api/common'
import { CaissonError } from '@caisson/api/error'
import type { Context } from './context.ts'
import { refuse } from './parse/refusal.ts'

const POLICIES = ['missing', 'always', 'never'] as const
export type PullPolicy = (typeof POLICIES)[number]

/** Reads --pull. */
export function parsePullPolicy(value: string): PullPolicy {
  const policy = POLICIES.find((name) => name === value)
  if (policy) return policy
  throw refuse('--pull', value, `is none of ${POLICIES.join(', ')}`)
}

export interface WantedImage {
  readonly image: string
  readonly platform: Partially<Platform> | undefined
  readonly policy: PullPolicy
  readonly quiet: boolean
}

/**
 * Does something that needs an image. One that is not there is pulled first, and the work done once more: asking the
 * registry costs nothing as long as the image is there.
 */
export async function withImage<T>(context: Context, wanted: WantedImage, work: () => Promise<T>): Promise<T> {
  if (wanted.policy === 'always') await pull(context, wanted)
  try {
    return await work()
  } catch (error) {
    if (wanted.policy !== 'missing' || !isMissing(error, wanted.image)) throw error
    if (!context.out.json && !wanted.quiet) context.out.note(`${wanted.image} is not here: pulling it`)
    await pull(context, wanted)
    return await work()
  }
}

async function pull(context: Context, { image, platform, quiet }: WantedImage): Promise<void> {
  const { pullFor } = await import('./actions/transfer.ts')
  await pullFor(context, { reference: image, platform }, quiet)
}

/** Another image that is mounted may be the one that is missing: that is not pulled. */
function isMissing(error: unknown, image: string): boolean {
  return error instanceof CaissonError && error.reason === 'IMAGE_NOT_FOUND' && error.details['id'] === image
}
