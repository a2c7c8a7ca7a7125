import type { Descriptor, Digest } from '@caisson/oci'
import type { Store } from '@caisson/service-kit'
import type { Reference, RepositoryName } from '../../distribution/names.ts'
import type { ManifestStat, NewManifest, ReferrerPage, StoredManifest } from '../ports.ts'
import { digestOfRow, manifestOfRow, type Row } from './rows.ts'

const BY_TAG = `FROM repository r JOIN tag t ON t.repository_id = r.id AND t.name = ?
  JOIN manifest m ON m.id = t.manifest_id WHERE r.name = ?`
const BY_DIGEST = `FROM repository r JOIN manifest m ON m.repository_id = r.id AND m.digest = ? WHERE r.name = ?`
const STAT = 'm.digest, m.media_type, m.size'

/** Rows of manifests: their bytes, what they name, and what they are about. */
export class ManifestTable {
  readonly #byTag
  readonly #byDigest
  readonly #statByTag
  readonly #statByDigest
  readonly #id
  readonly #insert
  readonly #insertBlob
  readonly #insertChild
  readonly #delete
  readonly #referrers

  constructor(store: Store) {
    this.#byTag = store.prepare(`SELECT ${STAT}, m.bytes ${BY_TAG}`)
    this.#byDigest = store.prepare(`SELECT ${STAT}, m.bytes ${BY_DIGEST}`)
    this.#statByTag = store.prepare(`SELECT ${STAT} ${BY_TAG}`)
    this.#statByDigest = store.prepare(`SELECT ${STAT} ${BY_DIGEST}`)
    this.#id = store.prepare('SELECT id, pushed_at FROM manifest WHERE repository_id = ? AND digest = ?')
    this.#insert = store.prepare(
      `INSERT INTO manifest (repository_id, digest, media_type, size, subject, artifact_type, annotations, pushed_at, bytes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (repository_id, digest) DO UPDATE SET media_type = excluded.media_type, pushed_at = excluded.pushed_at
       RETURNING id`,
    )
    this.#insertBlob = store.prepare(
      'INSERT INTO manifest_blob (manifest_id, digest) VALUES (?, ?) ON CONFLICT DO NOTHING',
    )
    this.#insertChild = store.prepare(
      'INSERT INTO manifest_child (manifest_id, digest) VALUES (?, ?) ON CONFLICT DO NOTHING',
    )
    this.#delete = store.prepare('DELETE FROM manifest WHERE id = ?')
    this.#referrers = store.prepare(
      `SELECT m.digest, m.media_type, m.size, m.artifact_type, m.annotations
       FROM repository r JOIN manifest m ON m.repository_id = r.id
       WHERE r.name = ? AND m.subject = ? AND m.digest > ? AND m.artifact_type IS coalesce(?, m.artifact_type)
       ORDER BY m.digest LIMIT ?`,
    )
  }

  get(repository: RepositoryName, reference: Reference): StoredManifest | undefined {
    const row = found(this.#byTag, this.#byDigest, repository, reference)
    return row && { ...manifestOfRow(row), bytes: row['bytes'] as Uint8Array }
  }

  stat(repository: RepositoryName, reference: Reference): ManifestStat | undefined {
    const row = found(this.#statByTag, this.#statByDigest, repository, reference)
    return row && manifestOfRow(row)
  }

  id(repositoryId: number, digest: Digest): number | undefined {
    const row = this.#id.get(repositoryId, digest)
    return row === undefined ? undefined : Number(row['id'])
  }

  insert(repositoryId: number, manifest: NewManifest, at: number): number {
    const { digest, mediaType, bytes, subject = null, artifactType = null } = manifest
    const annotations = JSON.stringify(manifest.annotations)
    const row = this.#insert.get(
      ...[repositoryId, digest, mediaType, bytes.byteLength, subject, artifactType, annotations, at, bytes],
    )
    const id = Number(row?.['id'])
    for (const blob of manifest.blobs) this.#insertBlob.run(id, blob)
    for (const child of manifest.manifests) this.#insertChild.run(id, child)
    return id
  }

  delete(id: number): void {
    this.#delete.run(id)
  }

  referrers(repository: RepositoryName, subject: Digest, page: ReferrerPage): Descriptor[] {
    const { after = '', artifactType = null, limit } = page
    return this.#referrers.all(repository, subject, after, artifactType, limit).map(referrerOfRow)
  }
}

type Finder = { get(...values: string[]): Row | undefined }

function found(byTag: Finder, byDigest: Finder, repository: RepositoryName, reference: Reference): Row | undefined {
  return 'tag' in reference ? byTag.get(reference.tag, repository) : byDigest.get(reference.digest, repository)
}

function referrerOfRow(row: Row): Descriptor {
  const annotations = JSON.parse(String(row['annotations'])) as Record<string, string>
  return {
    mediaType: String(row['media_type']),
    digest: digestOfRow(row),
    size: Number(row['size']),
    ...(row['artifact_type'] !== null && { artifactType: String(row['artifact_type']) }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  }
}
