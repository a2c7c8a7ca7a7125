import type { RpcServer } from '@caisson/api'
import {
  AccessDefinition,
  ReplicationsDefinition,
  RepositoriesDefinition,
  StorageDefinition,
  UpstreamsDefinition,
  WebhooksDefinition,
} from '@caisson/api/registry'
import type { Administration } from './access/administration.ts'
import type { RegistryConfig } from './config.ts'
import { buildDomain, choresOf, type DomainDeps } from './domain.ts'
import { Admission } from './http/admission.ts'
import { CertificateFiles } from './http/certificate-files.ts'
import type { FileSender, Gatekeeper } from './http/ports.ts'
import { Router } from './http/router.ts'
import { type HttpServer, serveHttp } from './http/server.ts'
import { Maintenance } from './maintenance/maintenance.ts'
import { buildOutgoing, type Followed } from './outgoing.ts'
import { accessHandlers } from './rpc/access.ts'
import { replicationsHandlers } from './rpc/replications.ts'
import { repositoriesHandlers } from './rpc/repositories.ts'
import { storageHandlers } from './rpc/storage.ts'
import { upstreamsHandlers } from './rpc/upstreams.ts'
import { webhooksHandlers } from './rpc/webhooks.ts'
import type { Assets } from './web/assets.ts'
import { webPages } from './web/web-pages.ts'

export interface RegistryDeps extends DomainDeps {
  readonly config: RegistryConfig
  readonly gate: Gatekeeper
  /** Users and their rights. Absent: everybody is let in. */
  readonly administration?: Administration | undefined
  /** Absent: blobs are sent through streams. */
  readonly sender?: FileSender
  /** Absent: nobody is told of what happens, and nothing is copied to others. */
  readonly followed?: Followed
  /** Milliseconds between two looks at the files of the certificate. Absent: five seconds. */
  readonly lookAtCertificateEveryMs?: number
  /** Style and script of the pages. Absent: there are no pages. */
  readonly assets?: Assets
}

export type RegistryService = ReturnType<typeof createRegistryService>

/** Builds the registry from what it is given. */
export function createRegistryService(deps: RegistryDeps) {
  const { config, gate, administration, log, sender, assets, followed } = deps
  const domain = buildDomain(deps)
  const admission = new Admission(gate, domain.policies, config.publicUrl)
  const idleMs = config.idleSeconds * 1_000
  const router = new Router({ ...domain, admission, sender, pullThrough: domain.mirror, idleMs })
  const pages = assets && webPages({ ...domain, admission, gate, assets, log })
  const isMirrored = domain.upstreams.isMirrored.bind(domain.upstreams)
  const outgoing = followed && buildOutgoing({ ...domain, followed, isMirrored, config, log })
  return {
    ...domain,

    /** Serves clients over HTTP until it is disposed. */
    async listen(): Promise<HttpServer> {
      const stack = new AsyncDisposableStack()
      // Clients that read from a download get to its end first.
      if (domain.mirror !== undefined) stack.use(domain.mirror)
      const certificates =
        config.tls && stack.use(await CertificateFiles.open(config.tls, log, deps.lookAtCertificateEveryMs))
      const { host, port, trustedProxies, maxConnections, stopGraceMs } = config
      const common = { host, port, trustedProxies, maxConnections, idleMs, log }
      const options = { ...common, tls: certificates?.current, beside: pages }
      const server = stack.use(await serveHttp(router, gate, options, stopGraceMs))
      certificates?.onChange((tls) => server.renew(tls))
      return {
        host: server.host,
        port: server.port,
        renew: server.renew,
        [Symbol.asyncDispose]: () => stack.disposeAsync(),
      }
    },

    /** Begins what comes round by itself, until it is disposed. */
    maintain(): AsyncDisposable {
      const failed = (chore: string, error: unknown): void =>
        log.error({ chore, error: String(error) }, 'a chore failed')
      const maintenance = new Maintenance(choresOf(domain, config, log), failed)
      return {
        [Symbol.asyncDispose]: async () => {
          await maintenance[Symbol.asyncDispose]()
          await domain.pulls.flush()
        },
      }
    },

    /** Does for others what is to be done when something changes here, until it is disposed. */
    followEvents: (): AsyncDisposable => outgoing?.serve() ?? new AsyncDisposableStack(),

    /** Registers the handlers and returns the names of their services. */
    register(server: RpcServer): readonly string[] {
      server.register(RepositoriesDefinition, repositoriesHandlers(domain))
      server.register(StorageDefinition, storageHandlers(domain))
      server.register(UpstreamsDefinition, upstreamsHandlers(domain.upstreams))
      const names: string[] = [
        RepositoriesDefinition.fullName,
        StorageDefinition.fullName,
        UpstreamsDefinition.fullName,
      ]
      if (administration !== undefined) {
        server.register(AccessDefinition, accessHandlers(administration))
        names.push(AccessDefinition.fullName)
      }
      if (outgoing !== undefined) {
        server.register(WebhooksDefinition, webhooksHandlers(outgoing.deliveries))
        server.register(ReplicationsDefinition, replicationsHandlers(outgoing.replicator))
        names.push(WebhooksDefinition.fullName, ReplicationsDefinition.fullName)
      }
      return names
    },
  }
}
