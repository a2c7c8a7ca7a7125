import type { EventLog } from '@caisson/service-kit'
import type { Changes } from './backend/ports.ts'
import type { PullCount } from './distribution/pull-notes.ts'

type Log = Pick<EventLog, 'append'>

/** The subject is the repository: of all that happens in it the order is known. */
const subject = (repository: string) => ({ kind: 'repository', id: repository, name: repository })

/**
 * What this service tells of changes: manifest.pushed, manifest.deleted, tag.deleted, blob.pushed, repository.deleted. A manifest
 * that was fetched and not pushed has the attribute `upstream`.
 */
export const registryEvents = (log: Log): Changes => ({
  manifestPushed: ({ repository, manifest, tags, upstream }) =>
    log.append({
      type: 'manifest.pushed',
      subject: subject(repository),
      attributes: {
        digest: manifest.digest,
        mediaType: manifest.mediaType,
        size: String(manifest.size),
        tags: tags.join(','),
        ...(upstream !== undefined && { upstream }),
      },
    }),
  manifestDeleted: ({ repository, digest }) =>
    log.append({ type: 'manifest.deleted', subject: subject(repository), attributes: { digest } }),
  tagDeleted: ({ repository, tag, digest }) =>
    log.append({ type: 'tag.deleted', subject: subject(repository), attributes: { tag, digest } }),
  blobPushed: ({ repository, blob, mounted }) =>
    log.append({
      type: 'blob.pushed',
      subject: subject(repository),
      attributes: { digest: blob.digest, size: String(blob.size), mounted: String(mounted) },
    }),
  repositoryDeleted: ({ repository }) =>
    log.append({ type: 'repository.deleted', subject: subject(repository), final: true }),
})

/** manifest.pulled: how often since it was last told. */
export function tellPulls(log: Log, pulls: readonly PullCount[]): void {
  for (const { repository, tag, digest, count } of pulls)
    log.append({
      type: 'manifest.pulled',
      subject: subject(repository),
      attributes: { digest, count: String(count), ...(tag !== undefined && { tag }) },
    })
}
