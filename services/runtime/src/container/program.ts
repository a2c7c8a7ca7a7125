import { invalid } from '@caisson/api'
import { DEFAULT_PATH, mergeEnvironment } from '@caisson/oci'
import type { ImageConfig } from '../ports.ts'
import type { Program } from './container.ts'
import type { ProcessSpec } from './spec.ts'

/** What a container runs: its image's words, and the spec's on top. NO_COMMAND when neither says what to run. */
export function programOf(image: ImageConfig, process: ProcessSpec, hostname: string): Program {
  const args =
    process.entrypoint === undefined
      ? [...image.entrypoint, ...(process.cmd ?? image.cmd)]
      : [...process.entrypoint, ...(process.cmd ?? [])]
  if (args.length === 0 || args[0] === '')
    throw invalid('the image says no command and none was given: name one behind the image', { reason: 'NO_COMMAND' })
  return {
    args,
    env: mergeEnvironment(
      [DEFAULT_PATH, `HOSTNAME=${hostname}`, ...(process.tty ? ['TERM=xterm'] : [])],
      image.env,
      process.env,
    ),
    workingDir: process.workingDir || image.workingDir || '/',
    user: process.user || image.user,
  }
}

/** Ids that fit a user namespace of 65536, or the kernel's ids with the host's. */
const MOST = { private: 65_535, host: 2_147_483_647 } as const
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*\$?$/
const NUMBER = /^\d{1,10}$/

/**
 * Refuses a user that is neither a name nor an id in range: name|uid[:name|gid]. What is all digits is an id, and is never
 * looked up as a name.
 */
export function checkUser(user: string, namespace: 'private' | 'host'): void {
  if (user === '') return
  const parts = user.split(':')
  const isFine = parts.length <= 2 && parts.every((part) => isUserOrGroup(part, MOST[namespace]))
  if (!isFine)
    throw invalid(
      `${JSON.stringify(user.slice(0, 80))} is no user: give a name or an id up to ${MOST[namespace]}, and a group behind a colon`,
      { reason: 'INVALID_USER', details: { user: user.slice(0, 80) } },
    )
}

/** The same for one name or id of a group. */
export function isUserOrGroup(text: string, most: number = MOST.host): boolean {
  return NUMBER.test(text) ? Number(text) <= most : NAME.test(text)
}
