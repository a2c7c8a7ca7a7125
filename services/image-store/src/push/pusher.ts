import { invalid, notFound } from '@caisson/api'
import {
  type Descriptor,
  type Digest,
  formatReference,
  type ImageReference,
  type Platform,
  parseReference,
  withDefaultTag,
} from '@caisson/oci'
import { Slots } from '../concurrency/slots.ts'
import { mismatch } from '../content/blob-store.ts'
import type { Transactions } from '../content/ports.ts'
import type { Collector } from '../garbage/collector.ts'
import type { ImageLookup } from '../image/lookup.ts'
import type { Registrar } from '../image/registrar.ts'
import type { ReportTransfer } from '../pull/layer-progress.ts'
import type { Registries, RegistryAuth, Repository } from '../registry/ports.ts'
import { BlobUpload, type BlobUploadDeps } from './blob-upload.ts'
import { type PlanDeps, type PushPlan, planPush } from './push-plan.ts'

export interface PusherDeps extends BlobUploadDeps {
  readonly registries: Registries
  readonly lookup: ImageLookup
  readonly registrar: Registrar
  readonly collector: Collector
  readonly transactions: Transactions
  readonly clock: () => number
  /** Uploads of the whole service that run at once. */
  readonly uploadSlots: Slots
  readonly limits: BlobUploadDeps['limits'] & PlanDeps['limits'] & { readonly maxTransfersPerCall: number }
}

export interface PushRequest {
  readonly reference: string
  readonly platform: Platform | undefined
  readonly auth: RegistryAuth | undefined
  readonly allTags: boolean
}

/** What a registry has under a name now. */
export interface Pushed {
  readonly name: string
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
}

interface Push {
  readonly reference: ImageReference
  readonly platform: Platform | undefined
  readonly repository: Repository
  readonly report: ReportTransfer
  readonly signal: AbortSignal
}

/** Sends images to registries, as they are. */
export class Pusher {
  readonly #deps: PusherDeps

  constructor(deps: PusherDeps) {
    this.#deps = deps
  }

  async push(request: PushRequest, report: ReportTransfer, signal: AbortSignal): Promise<Pushed[]> {
    const reference = parseReference(request.reference)
    if (reference.digest)
      throw invalid(`${request.reference} has a digest: push by a name`, { reason: 'REFERENCE_INVALID' })
    const repository = this.#deps.registries.repository(reference, request.auth)
    const push = { platform: request.platform, repository, report, signal }
    const pushed: Pushed[] = []
    for (const each of request.allTags ? this.#tagsOf(reference) : [withDefaultTag(reference)])
      pushed.push(await this.#pushOne({ ...push, reference: each }))
    return pushed
  }

  #tagsOf(reference: ImageReference): ImageReference[] {
    if (reference.tag !== undefined)
      throw invalid('with all tags the reference has none itself', { reason: 'REFERENCE_INVALID' })
    const repository = formatReference(reference)
    const names = this.#deps.lookup.all().flatMap((image) => image.names)
    const own = [...new Set(names)].sort().map(parseReference)
    const tagged = own.filter((name) => repositoryName(name) === repository)
    if (tagged.length === 0) throw notFound('image', repository, 'no image has a tag of this repository')
    return tagged
  }

  async #pushOne(push: Push): Promise<Pushed> {
    const { lookup, collector, transactions, origins, clock, registrar } = this.#deps
    const name = formatReference(push.reference)
    return await collector.guard(async (hold) => {
      const image = lookup.find(name, push.platform)
      const plan = await planPush(image, push.platform !== undefined, this.#deps, push.signal)
      for (const { digest } of [...plan.blobs, ...plan.manifests, plan.top]) hold.add(digest)
      const sent = await this.#sendBlobs(plan, push)
      transactions.transaction(() => origins.add(sent, push.reference, clock()), 'crash')
      await this.#sendManifests(plan, push)
      const source = { repository: repositoryName(push.reference), digest: plan.top.digest }
      registrar.pushed(image, source, name)
      const { mediaType, digest, bytes } = plan.top
      return { name, mediaType, digest, size: bytes.length }
    })
  }

  /** Sends what the registry has not, and returns what it has now. The first blob that fails ends the others. */
  async #sendBlobs({ blobs }: PushPlan, { reference, repository, report, signal }: Push): Promise<Digest[]> {
    const { uploadSlots, limits } = this.#deps
    const upload = new BlobUpload(this.#deps, reference, repository, report)
    const slots = new Slots(limits.maxTransfersPerCall)
    const stop = new AbortController()
    const either = AbortSignal.any([signal, stop.signal])
    const send = async (blob: Descriptor): Promise<Digest[]> =>
      (await slots.run(() => uploadSlots.run(() => upload.ensure(blob, either), either), either)) ? [blob.digest] : []
    for (const { digest, size } of blobs)
      report({ subject: digest, action: 'waiting', done: 0, total: size, unit: 'bytes' })
    const running = blobs.map(send)
    try {
      return (await Promise.all(running)).flat()
    } catch (error) {
      stop.abort(error)
      await Promise.allSettled(running)
      throw error
    }
  }

  /** Those that others name first; the name comes last, when all is there. */
  async #sendManifests({ manifests, top }: PushPlan, { reference, repository, signal }: Push): Promise<void> {
    for (const manifest of manifests) await putChecked(repository, manifest.digest, manifest, signal)
    await putChecked(repository, reference.tag ?? top.digest, top, signal)
  }
}

const repositoryName = ({ registry, repository }: ImageReference): string => `${registry}/${repository}`

async function putChecked(
  repository: Repository,
  reference: string,
  manifest: PushPlan['top'],
  signal: AbortSignal,
): Promise<void> {
  const { digest } = await repository.putManifest(reference, manifest, signal)
  if (digest !== manifest.digest) throw mismatch(manifest.digest, `the registry says that it got ${digest}`)
}
