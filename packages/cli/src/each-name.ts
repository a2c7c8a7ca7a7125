import { CaissonError } from '@caisson/api/error'
import type { Context } from './context.ts'
import { EXIT_OK } from './exit-code.ts'
import { reportFailure } from './failure.ts'

const AT_ONCE = 8

/** What is printed of one that went well: text for people, and further fields for programs. */
export interface Done {
  readonly text?: string
  readonly fields?: Readonly<Record<string, unknown>>
}

/**
 * Does the same to several objects, a few at a time, and tells of each in the order in which they were named. One that
 * fails keeps no other from being done. Returns the exit code of the last failure.
 */
export async function eachName(
  context: Context,
  names: readonly string[],
  act: (name: string) => Promise<Done | undefined>,
): Promise<number> {
  const { out, debug } = context
  const slots = Array.from({ length: AT_ONCE }, () => Promise.resolve())
  const tasks = names.map((name, index) => {
    const slot = index % AT_ONCE
    const task = (slots[slot] ?? Promise.resolve()).then(() => settle(act, name))
    slots[slot] = task.then(() => undefined)
    return task
  })
  let exitCode = EXIT_OK
  for (const [index, task] of tasks.entries()) {
    const result = await task
    const name = names[index] ?? ''
    if (result instanceof CaissonError) exitCode = reportFailure(result, out, debug)
    else if (out.json) out.record({ name, ...result?.fields })
    else out.line(result?.text ?? name)
  }
  return exitCode
}

async function settle(
  act: (name: string) => Promise<Done | undefined>,
  name: string,
): Promise<Done | undefined | CaissonError> {
  try {
    return await act(name)
  } catch (thrown) {
    return CaissonError.from(thrown)
  }
}
