import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { CaissonError } from '@caisson/api'
import { type Digest, digestAlgorithm } from '@caisson/oci'
import type { BlobRecord, BlobTable, Transactions } from '../content/ports.ts'
import type { StateDir } from '../disk/state-dir.ts'
import type { Trash } from '../disk/trash.ts'
import type { FoundImage, ImageLookup } from '../image/lookup.ts'
import type { ImageTable } from '../image/ports.ts'
import type { Layers } from '../snapshot/layers.ts'
import type { LayerRecord, LayerTable, LayerTool, SnapshotTable } from '../snapshot/ports.ts'
import { layerCount } from './layer-count.ts'

/** Fetches the content of an image that is known anew. */
export interface Refetch {
  /** Resolves when all of its blobs are here again. */
  refetch(image: FoundImage, signal: AbortSignal): Promise<void>
}

export interface VerifierDeps {
  readonly dir: StateDir
  readonly trash: Trash
  readonly tool: Pick<LayerTool, 'digest'>
  readonly table: BlobTable
  readonly imageRows: ImageTable
  readonly lookup: ImageLookup
  readonly layers: Layers
  readonly layerRows: LayerTable
  readonly snapshotRows: SnapshotTable
  readonly refetch: Refetch
  /** Unpacks the layers of an image that are not there. */
  readonly unpack: (image: FoundImage, signal: AbortSignal) => Promise<void>
  readonly transactions: Transactions
}

export interface Damage {
  /** A digest, the id of an image or the key of a snapshot. */
  readonly subject: string
  readonly message: string
  readonly quarantined: boolean
  readonly repaired: boolean
}

export interface VerifyOptions {
  /** What is broken is forgotten and taken away, so that it can be written anew. */
  readonly quarantine: boolean
  /** And it is fetched and unpacked anew. */
  readonly repair: boolean
}

type VerifyStep =
  | { readonly progress: { subject: string; action: string; done: number; total: number; unit: string } }
  | { readonly damage: Damage }

/** A layer that is not compressed has the digest of its blob: the kind tells them apart. */
interface Broken {
  readonly kind: 'blob' | 'layer'
  readonly damage: Damage
}

const PAGE = 100

/** Checks blobs, images, unpacked layers and snapshots, and mends them. */
export class Verifier {
  readonly #deps: VerifierDeps

  constructor(deps: VerifierDeps) {
    this.#deps = deps
  }

  async *verify({ quarantine, repair }: VerifyOptions, signal: AbortSignal): AsyncGenerator<VerifyStep> {
    const takesAway = quarantine || repair
    const broken: Broken[] = []
    for (const [kind, steps] of [
      ['blob', this.#blobs(takesAway, signal)],
      ['layer', this.#layers(takesAway, signal)],
    ] as const)
      for await (const step of steps)
        if ('damage' in step) broken.push({ kind, damage: step.damage })
        else yield step
    const failures = new Map<string, string>()
    if (repair) for await (const step of this.#repair(failures, signal)) yield step
    for (const one of broken) yield { damage: repair ? this.#afterRepair(one, failures) : one.damage }
    yield* this.#missing(failures)
    yield* this.#baseless()
  }

  async *#blobs(takesAway: boolean, signal: AbortSignal): AsyncGenerator<VerifyStep> {
    const { table } = this.#deps
    const total = table.totals().bytes
    let done = 0
    for (let page = table.list('', PAGE); page.length > 0; page = table.list(page.at(-1)?.digest ?? '', PAGE))
      for (const blob of page) {
        const message = await this.#problemOf(blob, signal)
        // One that was collected while it was read is no damage.
        const isDamage = message !== undefined && table.get(blob.digest) !== undefined
        if (isDamage && takesAway) this.#quarantineBlob(blob.digest)
        if (isDamage) yield damageOf(blob.digest, message, takesAway)
        done += blob.size
        yield { progress: { subject: blob.digest, action: 'verifying', done, total, unit: 'bytes' } }
      }
  }

  async #problemOf({ digest, size }: BlobRecord, signal: AbortSignal): Promise<string | undefined> {
    const path = this.#deps.dir.blob(digest)
    if (!existsSync(path)) return 'its file is missing'
    try {
      const found = digest.startsWith('sha256:')
        ? await this.#deps.tool.digest(path, signal)
        : await hashFile(path, digestAlgorithm(digest), signal)
      if (found.digest === digest && found.size === size) return undefined
      return `its file has ${found.size} bytes and the digest ${found.digest}`
    } catch (error) {
      signal.throwIfAborted()
      return `its file cannot be read: ${CaissonError.from(error).message}`
    }
  }

  async *#layers(takesAway: boolean, signal: AbortSignal): AsyncGenerator<VerifyStep> {
    const layers = [...this.#deps.layers.all()]
    for (const [index, layer] of layers.entries()) {
      const message = await this.#layerProblem(layer, signal)
      const isDamage = message !== undefined && this.#deps.layers.get(layer.chainId) !== undefined
      // What containers have mounted stays: taking it away would break them, and not mend them.
      const mayGo = takesAway && isDamage && !this.#isMounted(layer.chainId)
      if (mayGo) this.#quarantineLayer(layer.chainId)
      const advice = takesAway && !mayGo ? ': containers use it, remove them and check again' : ''
      if (isDamage) yield damageOf(layer.chainId, `${message}${advice}`, mayGo)
      yield {
        progress: {
          subject: layer.chainId,
          action: 'verifying',
          done: index + 1,
          total: layers.length,
          unit: 'layers',
        },
      }
    }
  }

  async #layerProblem(layer: LayerRecord, signal: AbortSignal): Promise<string | undefined> {
    const path = join(this.#deps.dir.layer(layer.chainId), 'fs')
    if (!existsSync(path)) return 'the unpacked layer is missing'
    const found = await layerCount(path, signal)
    if (found.bytes === layer.bytes) return undefined
    return `the unpacked layer has ${found.bytes} bytes in its files, not ${layer.bytes}`
  }

  #isMounted(chainId: Digest): boolean {
    const { snapshotRows, layers } = this.#deps
    for (let rows = snapshotRows.list('', PAGE, undefined); rows.length > 0; ) {
      for (const { base } of rows)
        for (let at = base; at !== undefined; at = layers.get(at)?.parent) if (at === chainId) return true
      rows = snapshotRows.list(rows.at(-1)?.key ?? '', PAGE, undefined)
    }
    return false
  }

  /** Brings back what images miss. `failures` tells by image why that did not work. */
  async *#repair(failures: Map<string, string>, signal: AbortSignal): AsyncGenerator<VerifyStep> {
    const { lookup, refetch, unpack } = this.#deps
    for (const image of lookup.all()) {
      const lacksBlobs = this.#missingBlobs(image.record.id).length > 0
      const lacksLayers = !this.#deps.layers.areReady(image.record.layers)
      if (!lacksBlobs && !lacksLayers) continue
      yield { progress: { subject: image.record.id, action: 'repairing', done: 0, total: 0, unit: 'bytes' } }
      try {
        if (lacksBlobs) await refetch.refetch(image, signal)
        await unpack(image, signal)
      } catch (error) {
        signal.throwIfAborted()
        failures.set(image.record.id, CaissonError.from(error).message)
      }
    }
  }

  #afterRepair({ kind, damage }: Broken, failures: ReadonlyMap<string, string>): Damage {
    const { table, layers } = this.#deps
    const digest = damage.subject as Digest
    const isThere = (kind === 'blob' ? table.get(digest) : layers.get(digest)) !== undefined
    const repaired = damage.quarantined && isThere
    if (repaired) return { ...damage, repaired }
    const why = [...failures.values()][0]
    return { ...damage, message: why === undefined ? damage.message : `${damage.message}; not mended: ${why}` }
  }

  #missingBlobs(id: Digest): Digest[] {
    return this.#deps.imageRows.blobs(id).filter((digest) => this.#deps.table.get(digest) === undefined)
  }

  *#missing(failures: ReadonlyMap<string, string>): Generator<VerifyStep> {
    for (const { id } of this.#deps.imageRows.all())
      for (const digest of this.#missingBlobs(id)) {
        const why = failures.get(id)
        yield damageOf(id, `the image misses ${digest}${why === undefined ? '' : `; not mended: ${why}`}`, false)
      }
  }

  *#baseless(): Generator<VerifyStep> {
    const { snapshotRows, layers } = this.#deps
    for (let rows = snapshotRows.list('', PAGE, undefined); rows.length > 0; ) {
      for (const { key, base } of rows)
        if (!layers.isWhole(base)) yield damageOf(key, 'a layer that the snapshot stands on is missing', false)
      rows = snapshotRows.list(rows.at(-1)?.key ?? '', PAGE, undefined)
    }
  }

  #quarantineBlob(digest: Digest): void {
    const { transactions, table, trash, dir } = this.#deps
    transactions.transaction(() => table.delete(digest))
    if (existsSync(dir.blob(digest))) trash.discard(dir.blob(digest))
  }

  #quarantineLayer(chainId: Digest): void {
    const { transactions, layerRows, layers, trash, dir } = this.#deps
    transactions.transaction(() => layerRows.delete(chainId))
    layers.forget(chainId)
    if (existsSync(dir.layer(chainId))) trash.discard(dir.layer(chainId))
  }
}

const damageOf = (subject: string, message: string, quarantined: boolean): { damage: Damage } => ({
  damage: { subject, message, quarantined, repaired: false },
})

async function hashFile(
  path: string,
  algorithm: 'sha256' | 'sha512',
  signal: AbortSignal,
): Promise<{ digest: string; size: number }> {
  const hash = createHash(algorithm)
  let size = 0
  for await (const chunk of createReadStream(path, { signal }) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    size += chunk.length
  }
  return { digest: `${algorithm}:${hash.digest('hex')}`, size }
}
