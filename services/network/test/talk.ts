import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const ANSWER_MS = 10_000

/** Somebody in a namespace who says everything back, on a port. */
export async function talkAt(path: string, port: number): Promise<Disposable & { readonly alive: boolean }> {
  const command = [`--net=${path}`, 'busybox', 'nc', '-ll', '-p', String(port), '-e', 'cat']
  const child = spawn('nsenter', command, { stdio: 'ignore' })
  await once(child, 'spawn')
  return {
    get alive() {
      return child.exitCode === null
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  }
}

/** A connection to somebody who says everything back. */
export class Talk implements Disposable {
  readonly #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Tries until somebody listens, or for ten seconds. */
  static async open(address: string, port: number): Promise<Talk> {
    for (const end = Date.now() + ANSWER_MS; ; await sleep(20)) {
      const socket = connect(port, address)
      try {
        await once(socket, 'connect')
        return new Talk(socket)
      } catch (error) {
        socket.destroy()
        if (Date.now() > end) throw error
      }
    }
  }

  /** Throws when the word does not come back, or something else does. */
  async say(word: string): Promise<void> {
    this.#socket.write(word)
    const [said] = await once(this.#socket, 'data', { signal: AbortSignal.timeout(ANSWER_MS) })
    if (String(said) !== word) throw new Error(`${String(said)} came back for ${word}`)
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}
