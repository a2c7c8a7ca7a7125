import { readFileSync } from 'node:fs'
import type { ServiceClient } from '@caisson/api'
import { ReplicationsDefinition, WebhooksDefinition } from '@caisson/api/registry'
import { TestEngine } from '@caisson/testkit'
import { Client } from '../client.ts'
import { HASTY } from './rpc.ts'

/** The registry as its own process, which may be killed and started again. */
export class RegistryProcess implements AsyncDisposable {
  readonly webhooks: ServiceClient<typeof WebhooksDefinition>
  readonly replications: ServiceClient<typeof ReplicationsDefinition>
  readonly #engine: TestEngine

  private constructor(engine: TestEngine) {
    this.#engine = engine
    this.webhooks = engine.channel('registry').client(WebhooksDefinition)
    this.replications = engine.channel('registry').client(ReplicationsDefinition)
  }

  static async start(config: object = {}): Promise<RegistryProcess> {
    const registry = { access: 'open', port: 0, web: false, policy: { deletes: true }, outgoing: HASTY, ...config }
    return new RegistryProcess(await TestEngine.start({ services: ['registry'], config: { registry } }))
  }

  /** Of the process that runs now. */
  get client(): Client {
    const ports = [...this.#engine.log('registry').matchAll(/"port":(\d+),"msg":"listening"/g)]
    return new Client(`http://127.0.0.1:${ports.at(-1)?.[1]}`)
  }

  get root(): string {
    return this.#engine.root
  }

  /** Bytes that the process has in memory. */
  get memory(): number {
    const status = readFileSync(`/proc/${this.#engine.pid('registry')}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024
  }

  kill(): Promise<void> {
    return this.#engine.kill('registry')
  }

  startAgain(): Promise<void> {
    return this.#engine.startService('registry')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine[Symbol.asyncDispose]()
  }
}
