import type { EventDraft, EventLog } from '@caisson/service-kit'
import type { FoundImage } from './image/lookup.ts'
import type { SnapshotRecord } from './snapshot/ports.ts'
import type { TrustRecord } from './trust/ports.ts'
import type { TrustEvents } from './trust/trust-policy.ts'

/** How an image came in. */
export type ImageOrigin = 'imported' | 'loaded' | 'pulled' | 'committed'

/** What the service tells others. Each belongs into the transaction that makes it true. */
export class Events implements TrustEvents {
  readonly #log: EventLog

  constructor(log: EventLog) {
    this.#log = log
  }

  imageAdded(how: ImageOrigin, image: FoundImage['record'], reference: string): void {
    this.#image(`image.${how}`, image, reference)
  }

  /** A name points at an image now. `previous` is what it pointed at before, when that was something else. */
  imageTagged(image: FoundImage['record'], reference: string, previous: string): void {
    this.#image('image.tagged', image, reference, previous === '' ? {} : { previous })
  }

  /** A registry has the image now, under this name; the digest is what it means there. */
  imagePushed(image: FoundImage['record'], reference: string, digest: string): void {
    const draft = imageDraft('image.pushed', image, reference)
    this.#log.append({ ...draft, body: { $case: 'image', value: { reference, digest } } })
  }

  imageUntagged(image: FoundImage['record'], reference: string): void {
    this.#image('image.untagged', image, reference)
  }

  /** `reason`: removed, pruned, or what the policy of the service says: unused, disk-pressure. */
  imageRemoved(image: FoundImage['record'], reason: string): void {
    this.#log.append({ ...imageDraft('image.removed', image, ''), attributes: { reason }, final: true })
  }

  /** A signature of a trusted key was found right. The subject is the digest that was signed. */
  imageVerified(reference: string, { digest, key, kind, identity }: TrustRecord): void {
    this.#log.append({
      type: 'image.verified',
      subject: { kind: 'image', id: digest, name: reference, labels: {} },
      attributes: { key, kind, identity },
      body: { $case: 'image', value: { reference, digest } },
    })
  }

  /** The trust policy refused an image, when it was to come in or to be run. */
  imageRejected(reference: string, digest: string, reason: string): void {
    this.#log.append({
      type: 'image.rejected',
      subject: { kind: 'image', id: digest, name: reference, labels: {} },
      attributes: { reason },
      body: { $case: 'image', value: { reference, digest } },
    })
  }

  snapshotPrepared(snapshot: SnapshotRecord): void {
    const image = snapshot.image ?? ''
    this.#log.append({
      type: 'snapshot.prepared',
      subject: { kind: 'snapshot', id: snapshot.key, labels: snapshot.labels },
      attributes: image === '' ? {} : { image },
    })
  }

  snapshotCommitted(snapshot: SnapshotRecord, from: string): void {
    const { key, labels } = snapshot
    this.#log.append({
      type: 'snapshot.committed',
      subject: { kind: 'snapshot', id: key, labels },
      attributes: { from },
    })
  }

  snapshotRemoved(snapshot: SnapshotRecord): void {
    const { key, labels } = snapshot
    this.#log.append({ type: 'snapshot.removed', subject: { kind: 'snapshot', id: key, labels }, final: true })
  }

  #image(type: string, image: FoundImage['record'], reference: string, attributes: Record<string, string> = {}): void {
    this.#log.append({ ...imageDraft(type, image, reference), attributes })
  }
}

function imageDraft(type: string, image: FoundImage['record'], reference: string): EventDraft {
  return {
    type,
    subject: { kind: 'image', id: image.id, name: reference, labels: image.config.labels },
    body: { $case: 'image', value: { reference, digest: image.digest } },
  }
}
