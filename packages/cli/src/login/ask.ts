import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { failedPrecondition, invalid } from '@caisson/api/error'

/** Bytes of a password; what is more was meant for something else. */
const MOST_BYTES = 1_024

/** The password that stands on standard input, without the line's end. */
export async function passwordFromStdin(): Promise<string> {
  return checked((await text(process.stdin)).replace(/\r?\n$/, ''))
}

/** Asks on the terminal. `echoes`: what is typed is shown. */
export async function ask(question: string, echoes: boolean, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY)
    throw failedPrecondition(
      'NO_TERMINAL',
      'nobody can be asked for a name and a password here: use --username and --password-stdin',
    )
  process.stderr.write(question)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output: echoes ? process.stderr : silent, terminal: true })
  try {
    return checked(await terminal.question('', { signal }))
  } finally {
    terminal.close()
    if (!echoes) process.stderr.write('\n')
  }
}

function checked(secret: string): string {
  if (secret === '') throw invalid('an empty name or password lets nobody in', { reason: 'USAGE' })
  if (Buffer.byteLength(secret) > MOST_BYTES)
    throw invalid(`a password has at most ${MOST_BYTES} bytes`, { reason: 'USAGE' })
  return secret
}
