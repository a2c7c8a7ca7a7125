import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError } from '@caisson/api'
import type { Digest } from '@caisson/oci'
import { mismatch } from '../content/blob-store.ts'
import { withoutIdling } from '../registry/idle.ts'
import type { Repository } from '../registry/ports.ts'
import { backoff, type RetryLimits, worthRetrying } from '../registry/retry.ts'
import type { PartialFile } from './partial-file.ts'

export interface WantedBlob {
  readonly digest: Digest
  /** Bytes, as its descriptor says. */
  readonly size: number
}

/** Bytes that are gathered before they are written. */
const GATHERED = 512 << 10

/**
 * Brings the rest of a blob into its file. A connection that breaks is taken up again where it ended, as long as there is
 * progress. Throws DIGEST_MISMATCH for bytes that are not the blob; the file is of no use then.
 */
export async function download(
  repository: Repository,
  blob: WantedBlob,
  file: PartialFile,
  limits: RetryLimits,
  report: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  if (file.size > blob.size) await file.clear()
  // What an earlier process wrote may have suffered in a power cut: then it is fetched once more.
  let isOwn = file.size === 0
  let failures = 0
  for (;;) {
    report(file.size)
    const before = file.size
    const failure = await fetchRest(repository, blob, file, limits, report, signal)
    if (file.size === blob.size) {
      const found = file.digest()
      if (found === blob.digest) return
      if (isOwn) throw mismatch(blob.digest, `the blob that the registry sent has the digest ${found}`)
      isOwn = true
      await file.clear()
      continue
    }
    failures = file.size > before ? 0 : failures + 1
    if (failures >= limits.transferAttempts) throw failure ?? endsEarly(blob, file.size)
    await sleep(backoff(failures, limits), undefined, { signal })
  }
}

/** One connection. Returns why it ended early, where trying again may help. */
async function fetchRest(
  repository: Repository,
  blob: WantedBlob,
  file: PartialFile,
  limits: RetryLimits,
  report: (bytes: number) => void,
  signal: AbortSignal,
): Promise<CaissonError | undefined> {
  if (file.size === blob.size) return undefined
  const gathered = new Gathered(file, blob, report)
  try {
    await withoutIdling(limits.transferIdleMs, signal, async (alive, connection) => {
      const stream = await repository.blob(blob, file.size, connection)
      if (stream.offset !== file.size) await restart(file, stream.offset)
      for await (const chunk of stream.chunks) {
        alive()
        await gathered.add(chunk)
      }
    })
    return undefined
  } catch (thrown) {
    return worthRetrying(thrown, signal)
  } finally {
    await gathered.flush()
  }
}

async function restart(file: PartialFile, offset: number): Promise<void> {
  if (offset !== 0) throw new CaissonError('data-loss', 'the registry sent another range than was asked for')
  await file.clear()
}

/** Chunks on their way to the file. */
class Gathered {
  readonly #file: PartialFile
  readonly #blob: WantedBlob
  readonly #report: (bytes: number) => void
  #chunks: Uint8Array[] = []
  #bytes = 0

  constructor(file: PartialFile, blob: WantedBlob, report: (bytes: number) => void) {
    this.#file = file
    this.#blob = blob
    this.#report = report
  }

  async add(chunk: Uint8Array): Promise<void> {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#file.size + this.#bytes > this.#blob.size)
      throw mismatch(this.#blob.digest, `the registry sends more than the ${this.#blob.size} bytes of the blob`)
    if (this.#bytes >= GATHERED) await this.flush()
  }

  async flush(): Promise<void> {
    const chunks = this.#chunks
    this.#chunks = []
    this.#bytes = 0
    if (chunks.length === 0) return
    await this.#file.append(chunks)
    this.#report(this.#file.size)
  }
}

function endsEarly(blob: WantedBlob, size: number): CaissonError {
  return mismatch(blob.digest, `the registry sends ${size} bytes of it and then no more, but it has ${blob.size}`)
}
