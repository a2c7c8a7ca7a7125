import { createInterface } from 'node:readline/promises'
import { failedPrecondition } from '@caisson/api/error'

/** Asks a yes or no question on the terminal. Without a terminal nobody can say yes: the caller names the flag that does. */
export async function confirm(question: string, flag: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw failedPrecondition('NOT_CONFIRMED', `${question}: nobody can be asked here, say yes with ${flag}`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal })
    return /^y(?:es)?$/i.test(answer.trim())
  } finally {
    terminal.close()
  }
}
