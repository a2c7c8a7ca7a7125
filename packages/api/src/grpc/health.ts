import { EventEmitter, once } from 'node:events'
import { notFound } from '../error/error.ts'
import {
  type HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../gen/grpc/health/v1/health.ts'
import type { Handlers } from './server.ts'

/** Answers grpc.health.v1 for a server and each of its services. */
export class Health {
  readonly #changed = new EventEmitter()
  readonly #services = new Set<string>([''])
  #serving = false

  constructor() {
    this.#changed.setMaxListeners(0)
  }

  /** Names a service whose health can be asked for. */
  add(service: string): void {
    this.#services.add(service)
  }

  set serving(serving: boolean) {
    this.#serving = serving
    this.#changed.emit('change')
  }

  readonly handlers: Handlers<typeof HealthDefinition> = {
    check: async ({ service }) => {
      if (!this.#services.has(service)) throw notFound('service', service)
      return { status: this.#status(service) }
    },
    watch: (request, { signal }) => this.#watch(request.service, signal),
  }

  #status(service: string): ServingStatus {
    if (!this.#services.has(service)) return ServingStatus.SERVICE_UNKNOWN
    return this.#serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING
  }

  async *#watch(service: string, signal: AbortSignal): AsyncGenerator<{ status: ServingStatus }> {
    for (;;) {
      const told = this.#status(service)
      yield { status: told }
      while (this.#status(service) === told) await once(this.#changed, 'change', { signal })
    }
  }
}
