import { CaissonError } from '@caisson/api'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RepositoryName } from '../distribution/names.ts'
import type { Admission } from '../http/admission.ts'
import type { Caller, Gatekeeper } from '../http/ports.ts'

/** Who looks at pages. */
export interface Visitor {
  /** Empty: nobody in particular. */
  readonly name: string
  /** Nobody in particular, where credentials could open more. */
  readonly canLogIn: boolean
  /** What clients call the registry: "registry.example:5000". */
  readonly host: string
  mayPull(repository: RepositoryName): Promise<boolean>
}

/** Another realm than that of the API: browsers are not to send these credentials there by themselves. */
const BASIC = 'Basic realm="Caisson registry pages", charset="UTF-8"'
const HOST = /^(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/i

/** Lets browsers in, by the same gate as everybody else. */
export class Visitors {
  readonly #admission: Admission
  readonly #gate: Gatekeeper

  constructor(admission: Admission, gate: Gatekeeper) {
    this.#admission = admission
    this.#gate = gate
  }

  /** Throws UNAUTHORIZED, asking the browser for other credentials, and TOOMANYREQUESTS. */
  async visitorOf(request: FastifyRequest, reply: FastifyReply): Promise<Visitor> {
    const caller = this.#admission.callerOf(request)
    try {
      const principal = await this.#gate.admit(caller)
      return {
        name: principal.name,
        canLogIn: principal.name === '' && this.#gate.challenge(caller, [], false) !== undefined,
        host: hostOf(caller),
        mayPull: (repository) => this.#admission.may(principal, repository, 'pull'),
      }
    } catch (thrown) {
      if (thrown instanceof CaissonError && thrown.reason === 'UNAUTHORIZED') askForLogin(reply)
      throw thrown
    }
  }
}

/** Lets a browser ask its user who they are. */
export function askForLogin(reply: FastifyReply): void {
  reply.header('www-authenticate', BASIC)
}

/** The client's own word for us is shown in commands: only when it is a host. */
function hostOf({ origin }: Caller): string {
  const host = origin.slice(origin.indexOf('://') + 3).replace(/\/+$/, '')
  return HOST.test(host) ? host : 'registry.invalid'
}
