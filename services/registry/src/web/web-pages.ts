import type { Logger } from '@caisson/service-kit'
import type { FastifyInstance } from 'fastify'
import type { Backend } from '../backend/ports.ts'
import type { RepositoryBlobs } from '../distribution/blobs.ts'
import type { Listings } from '../distribution/listings.ts'
import type { Admission } from '../http/admission.ts'
import type { Gatekeeper } from '../http/ports.ts'
import type { Assets } from './assets.ts'
import { Browse } from './browse.ts'
import { Pages } from './pages.ts'
import { Visitors } from './visitor.ts'

export interface WebPagesDeps {
  readonly backend: Pick<Backend, 'records'>
  readonly blobs: RepositoryBlobs
  readonly listings: Listings
  readonly admission: Admission
  readonly gate: Gatekeeper
  readonly assets: Assets
  readonly log: Logger
  readonly clock: () => number
}

/** Builds the pages; the result adds them to a server. */
export function webPages(deps: WebPagesDeps): (app: FastifyInstance) => void {
  const { backend, blobs, listings, admission, gate, assets, log, clock } = deps
  const browse = new Browse({ records: backend.records, blobs, listings })
  const pages = new Pages({ browse, visitors: new Visitors(admission, gate), assets, log, clock })
  return (app) => pages.register(app)
}
