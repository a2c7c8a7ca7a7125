import { rmSync } from 'node:fs'
import { CaissonError } from '@caisson/api'
import type { Digest } from '@caisson/oci'
import { SingleFlight } from '../concurrency/single-flight.ts'
import type { Slots } from '../concurrency/slots.ts'
import type { Repository } from '../registry/ports.ts'
import type { RetryLimits } from '../registry/retry.ts'
import { download, type WantedBlob } from './download.ts'
import { PartialFile } from './partial-file.ts'
import type { Partials } from './partials.ts'

type Report = (bytes: number) => void

export interface DownloadsDeps {
  readonly partials: Partials
  /** Downloads of the whole service that run at once. */
  readonly slots: Slots
  readonly limits: RetryLimits
}

/** Downloads of blobs: one a digest, whoever asks for it and however many do. */
export class Downloads {
  readonly #deps: DownloadsDeps
  readonly #flights = new SingleFlight<void>()
  readonly #reports = new Map<Digest, Set<Report>>()
  /** The last work on each file: what is given up still has to let go of it. */
  readonly #last = new Map<Digest, Promise<void>>()

  constructor(deps: DownloadsDeps) {
    this.#deps = deps
  }

  /** Brings a whole blob with the right digest into its file. Who gives up leaves others that wait for it undisturbed. */
  async fetch(repository: Repository, blob: WantedBlob, report: Report, signal: AbortSignal): Promise<void> {
    const reports = this.#reports.get(blob.digest) ?? new Set()
    this.#reports.set(blob.digest, reports.add(report))
    let isOwn = false
    const work = (flight: AbortSignal): Promise<void> => {
      isOwn = true
      return this.#inTurn(blob, () => this.#deps.slots.run(() => this.#download(repository, blob, flight), flight))
    }
    try {
      await this.#flights.run(blob.digest, work, signal).catch(async (error: unknown) => {
        signal.throwIfAborted()
        // Another's download may have failed for reasons that are only its own: its registry, its credentials.
        if (isOwn) throw error
        await this.#flights.run(blob.digest, work, signal)
      })
    } finally {
      reports.delete(report)
      if (reports.size === 0) this.#reports.delete(blob.digest)
    }
  }

  async #inTurn(blob: WantedBlob, work: () => Promise<void>): Promise<void> {
    const before = this.#last.get(blob.digest)
    const own = (async () => {
      await before?.catch(() => {})
      await work()
    })()
    this.#last.set(blob.digest, own)
    try {
      await own
    } finally {
      if (this.#last.get(blob.digest) === own) this.#last.delete(blob.digest)
    }
  }

  async #download(repository: Repository, blob: WantedBlob, signal: AbortSignal): Promise<void> {
    const { partials, limits } = this.#deps
    using _used = partials.use(blob.digest)
    const path = partials.path(blob.digest)
    try {
      await using file = await PartialFile.open(path, blob.digest, signal)
      const report = (bytes: number): void => this.#reports.get(blob.digest)?.forEach((tell) => void tell(bytes))
      await download(repository, blob, file, limits, report, signal)
    } catch (error) {
      if (error instanceof CaissonError && isUseless(error)) rmSync(path, { force: true })
      throw error
    }
  }
}

/** Wrong bytes help no later attempt, and on a full disk any byte is needed. */
const isUseless = ({ code, reason }: CaissonError): boolean => code === 'data-loss' || reason === 'NO_SPACE'
