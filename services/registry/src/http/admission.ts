import { CaissonError } from '@caisson/api'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RepositoryName } from '../distribution/names.ts'
import type { Policies } from '../policy/policies.ts'
import type { Action, Caller, Gatekeeper, Principal, Wanted } from './ports.ts'

/** Lets requests in, and tells those that stay out how they get in. */
export class Admission {
  readonly #gate: Gatekeeper
  readonly #policies: Policies
  /** What clients call us, when it is configured. */
  readonly #publicUrl: string

  constructor(gate: Gatekeeper, policies: Policies, publicUrl: string) {
    this.#gate = gate
    this.#policies = policies
    this.#publicUrl = publicUrl
  }

  /** `host` and `protocol` are those of the proxy where one is trusted. */
  callerOf(request: FastifyRequest): Caller {
    const origin = this.#publicUrl === '' ? `${request.protocol}://${request.host}` : this.#publicUrl
    return { authorization: request.headers.authorization, address: request.ip, origin }
  }

  async admit(caller: Caller, reply: FastifyReply): Promise<Principal> {
    try {
      return await this.#gate.admit(caller)
    } catch (thrown) {
      if (thrown instanceof CaissonError && thrown.code === 'unauthenticated') this.#challenge(caller, [], false, reply)
      throw thrown
    }
  }

  /** Rights of the one who asks, and of everybody. */
  async may(principal: Principal, repository: RepositoryName, action: Action): Promise<boolean> {
    if (await this.#gate.may(principal, repository, action)) return true
    return action === 'pull' && (await this.#policies.of(repository)).anonymousPull
  }

  async requireKnown(principal: Principal, caller: Caller, reply: FastifyReply): Promise<void> {
    if (this.#gate.isKnown(principal)) return
    this.#challenge(caller, [], false, reply)
    throw unauthorized()
  }

  /** Throws UNAUTHORIZED with a challenge, or DENIED where no credentials would help. */
  async require(principal: Principal, caller: Caller, wanted: Wanted, reply: FastifyReply): Promise<void> {
    for (const action of wanted.actions) {
      if (await this.may(principal, wanted.repository, action)) continue
      // Who pushes also asks whether things are there.
      const actions: Action[] = action === 'push' ? ['pull', 'push'] : [action]
      const isInsufficient = this.#gate.isKnown(principal)
      this.#challenge(caller, [{ repository: wanted.repository, actions }], isInsufficient, reply)
      if (reply.hasHeader('www-authenticate')) throw unauthorized()
      throw new CaissonError('permission-denied', `${action} is not allowed here`, { reason: 'DENIED' })
    }
  }

  #challenge(caller: Caller, wanted: readonly Wanted[], isInsufficient: boolean, reply: FastifyReply): void {
    const challenge = this.#gate.challenge(caller, wanted, isInsufficient)
    if (challenge !== undefined) reply.header('www-authenticate', challenge)
  }
}

function unauthorized(): CaissonError {
  return new CaissonError('unauthenticated', 'credentials with the right for this are needed: log in', {
    reason: 'UNAUTHORIZED',
  })
}
