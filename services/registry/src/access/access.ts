import type { Logger } from '@caisson/service-kit'
import type { Backend, Documents } from '../backend/ports.ts'
import type { RegistryConfig } from '../config.ts'
import type { RepositoryName } from '../distribution/names.ts'
import type { Gatekeeper } from '../http/ports.ts'
import { Policies } from '../policy/policies.ts'
import { AccessTokens } from './access-tokens.ts'
import { Administration } from './administration.ts'
import type { AccessConfig } from './config.ts'
import { ensureFirstAdmin } from './first-admin.ts'
import { TokenGatekeeper } from './gatekeeper.ts'
import { LoginLimiter } from './login-limiter.ts'
import { Logins } from './logins.ts'
import { PasswordHasher } from './password/hasher.ts'
import type { AnonymousPulls } from './ports.ts'
import { RightsBook } from './rights.ts'
import { SigningKeys } from './signing-keys.ts'
import { TokenService } from './token-service.ts'
import { Tokens } from './tokens.ts'
import { Users } from './users.ts'

export type AccessDeps = {
  readonly documents: Documents
  readonly anonymousPulls: AnonymousPulls
  readonly config: AccessConfig
  /** The service's own folder: the first administrator's password is written there. */
  readonly dataDir: string
  readonly log: Logger
  /** Milliseconds since 1970. */
  readonly clock?: () => number
}

export type Access = {
  readonly gatekeeper: Gatekeeper
  readonly administration: Administration
  /** Before serving: sees to it that there is somebody who may log in. Throws for a configuration that is not safe. */
  prepare(): Promise<void>
}

/** Access to a registry with this configuration. */
export function accessOf(deps: {
  readonly backend: Backend
  readonly config: RegistryConfig
  readonly dataDir: string
  readonly log: Logger
  readonly clock?: () => number
}): Access {
  const { backend, config, clock = Date.now } = deps
  const policies = new Policies(backend.documents, { ...config.policy, retention: [] }, clock)
  const anonymousPulls = {
    areAllowed: async (name: RepositoryName) => (await policies.of(name)).anonymousPull,
  }
  return createAccess({ ...deps, documents: backend.documents, anonymousPulls, config: config.accounts })
}

const DAY_MS = 86_400_000

/** Who may do what in a registry: users, tokens, rights, and the tokens that requests carry. */
export function createAccess({
  documents,
  anonymousPulls,
  config,
  dataDir,
  log,
  clock = Date.now,
}: AccessDeps): Access {
  const onChange = (subject: string): void => rights.forget(subject)
  const users = new Users(documents, { clock, onChange })
  const tokens = new Tokens(documents, { clock, onChange })
  const rights = new RightsBook(users, tokens)
  const hasher = new PasswordHasher()
  const logins = new Logins({ users, tokens, hasher, limiter: new LoginLimiter(), clock, log })
  const { service, tokenLifeSeconds: lifeSeconds } = config
  const keys = new SigningKeys(documents, { clock, rotationMs: config.keyRotationDays * DAY_MS })
  const accessTokens = new AccessTokens({ keys, service, lifeSeconds, clock })
  const tokenService = new TokenService({ service, logins, rights, tokens: accessTokens, anonymousPulls })
  return {
    gatekeeper: new TokenGatekeeper({ service, tokenService, accessTokens, logins, rights, log }),
    administration: new Administration({ users, tokens, hasher, clock }),
    async prepare() {
      await ensureFirstAdmin({ users, hasher, dataDir, config, log })
      await hasher.prepare()
    },
  }
}
