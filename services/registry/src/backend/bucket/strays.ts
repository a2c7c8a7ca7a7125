import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import type { Digest } from '@caisson/oci'
import type { RepositoryName } from '../../distribution/names.ts'
import type { BlobValue } from './blob-objects.ts'
import type { Cells } from './cells.ts'
import { digestOf, keys, ofRepository } from './keys.ts'
import type { TagValue } from './manifest-objects.ts'
import type { UploadParts } from './upload-parts.ts'

/** Where empty objects stand for none. */
const CELLS = ['blobs/', 'links/', 'mounts/', 'manifests/', 'tags/', 'referrers/', 'names/', 'pulls/', 'documents/']

interface Unfinished {
  readonly id: string
  readonly multipart: string
}

/** Bytes that nothing points at: what was left when a process ended between two steps. */
export class Strays {
  readonly #cells: Cells
  readonly #parts: UploadParts

  constructor(cells: Cells, parts: UploadParts) {
    this.#cells = cells
    this.#parts = parts
  }

  /**
   * Bytes are listed first, then uploads, then blobs: an upload is there before its bytes are, and until the blob points at
   * them, so what neither has by then nobody will ever have.
   */
  async remove(signal: AbortSignal): Promise<void> {
    const { objects } = this.#cells
    const data = await this.#idsBelow('data/')
    const tails = await this.#idsBelow('tails/')
    const unfinished = await this.#unfinished()
    const uploads = await this.#idsBelow('uploads/')
    const needed = new Set(uploads)
    for await (const { value } of this.#cells.values<BlobValue>(objects.list('blobs/'))) needed.add(value.data)
    for (const id of data) {
      signal.throwIfAborted()
      if (!needed.has(id)) await objects.delete(`data/${id}`)
    }
    for (const path of tails) if (!uploads.has(path.slice(0, path.indexOf('/')))) await objects.delete(`tails/${path}`)
    for (const { id, multipart } of unfinished) if (!uploads.has(id)) await this.#parts.abort(id, multipart)
    await this.#removeEmpty(signal)
  }

  /**
   * Removes tags and entries of referrers that name no manifest: of removals that were cut off. A push writes them behind its
   * manifest, so one that comes meanwhile is another version, and stays.
   */
  async removeDangling(repository: RepositoryName): Promise<void> {
    const { objects } = this.#cells
    const isThere = async (digest: Digest): Promise<boolean> =>
      (await this.#cells.read(keys.manifest(repository, digest))) !== undefined
    const tags = this.#cells.values<TagValue>(objects.list(ofRepository('tags', repository)))
    for await (const cell of tags) if (!(await isThere(cell.value.target.digest))) await this.#cells.remove(cell)
    for await (const entry of objects.list(ofRepository('referrers', repository)))
      if (!(await isThere(digestOf(entry.key)))) await this.#cells.remove(entry)
  }

  /** Empty objects whose deletion was cut off. */
  async #removeEmpty(signal: AbortSignal): Promise<void> {
    const { objects } = this.#cells
    if (!objects.conditionalDeletes) return
    for (const prefix of CELLS) {
      for await (const { key, etag, size } of objects.listAll(prefix)) {
        signal.throwIfAborted()
        if (size === 0) await objects.deleteEmpty(key, etag)
      }
    }
  }

  async #idsBelow(prefix: string): Promise<Set<string>> {
    const { objects } = this.#cells
    const found = new Set<string>()
    // The bytes of an empty blob are an empty object, an upload that has ended is one too.
    const listed = prefix === 'uploads/' ? objects.list(prefix) : objects.listAll(prefix)
    for await (const { key } of listed) found.add(key.slice(prefix.length))
    return found
  }

  async #unfinished(): Promise<Unfinished[]> {
    const { objects } = this.#cells
    const { Bucket, Key: Prefix } = objects.at('data/')
    const found: Unfinished[] = []
    let marker: { readonly KeyMarker?: string; readonly UploadIdMarker?: string } | undefined = {}
    while (marker !== undefined) {
      const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({ Bucket, Prefix, ...marker })
      const page = await objects.attempt('listing', () => objects.client.send(command))
      for (const { Key = '', UploadId = '' } of page.Uploads ?? [])
        found.push({ id: Key.slice(Prefix.length), multipart: UploadId })
      const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page
      marker =
        IsTruncated && KeyMarker !== undefined && UploadIdMarker !== undefined
          ? { KeyMarker, UploadIdMarker }
          : undefined
    }
    return found
  }
}
