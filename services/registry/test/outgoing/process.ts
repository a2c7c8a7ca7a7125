import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Channel, type ServiceClient, socketAddress } from '@caisson/api'
import { ReplicationsDefinition, WebhooksDefinition } from '@caisson/api/registry'
import { Client } from '../client.ts'
import { HASTY } from './rpc.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')

/** The registry as its own process, which may be killed and started again. */
export class RegistryProcess implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'csn-reg-process-'))
  readonly webhooks: ServiceClient<typeof WebhooksDefinition>
  readonly replications: ServiceClient<typeof ReplicationsDefinition>
  readonly #channel: Channel
  #child: ChildProcess | undefined
  #port = 0

  private constructor(config: object) {
    mkdirSync(join(this.root, 'etc'))
    const whole = { access: 'open', port: 0, web: false, policy: { deletes: true }, outgoing: HASTY, ...config }
    writeFileSync(join(this.root, 'etc/registry.json'), JSON.stringify(whole))
    this.#channel = new Channel(socketAddress(join(this.root, 'run'), 'registry'))
    this.webhooks = this.#channel.client(WebhooksDefinition)
    this.replications = this.#channel.client(ReplicationsDefinition)
  }

  static async start(config: object = {}): Promise<RegistryProcess> {
    const registry = new RegistryProcess(config)
    await registry.startAgain()
    return registry
  }

  /** Of the process that runs now. */
  get client(): Client {
    return new Client(`http://127.0.0.1:${this.#port}`)
  }

  /** Bytes that the process has in memory. */
  get memory(): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024
  }

  async startAgain(): Promise<void> {
    const child = spawn(process.execPath, [MAIN, '--root', this.root], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    const lines = createInterface(child.stdout)
    const serving = Promise.withResolvers<void>()
    child.once('exit', () => serving.reject(new Error('the registry ended at its start')))
    lines.on('line', (line) => {
      const port = /"port":(\d+),"msg":"listening"/.exec(line)?.[1]
      if (port !== undefined) this.#port = Number(port)
      if (line.includes('"msg":"serving"')) serving.resolve()
    })
    await serving.promise
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    this.#channel[Symbol.dispose]()
    rmSync(this.root, { recursive: true, force: true })
  }
}
