import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Client } from './client.ts'

const MAIN = join(import.meta.dirname, '../src/main.ts')

/** The registry as its own process, on a root that outlives it. */
export class RegistryProcess implements AsyncDisposable {
  readonly client: Client
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.client = new Client(`http://127.0.0.1:${port}`)
  }

  static async start(root: string): Promise<RegistryProcess> {
    const child = spawn(process.execPath, [MAIN, '--root', root], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    for await (const piece of child.stdout) {
      text += String(piece)
      const port = /"port":(\d+),"msg":"listening"/.exec(text)?.[1]
      if (port === undefined) continue
      return new RegistryProcess(child, Number(port))
    }
    throw new Error(`the registry did not start: ${text}`)
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }
}
