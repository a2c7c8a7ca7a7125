import { fromTimestamp } from '@caisson/api'
import type { Event } from '@caisson/api/event'
import type { EventLog } from '@caisson/service-kit'
import type { Changes } from './backend/ports.ts'
import type { PullCount } from './distribution/pull-notes.ts'
import type { EventSource, RegistryEvent } from './follow/ports.ts'
import { originAttributes } from './request-origin.ts'

type Log = Pick<EventLog, 'append'>

/** The subject is the repository: of all that happens in it the order is known. */
const subject = (repository: string) => ({ kind: 'repository', id: repository, name: repository })

/**
 * What this service tells of changes: manifest.pushed, manifest.deleted, tag.deleted, blob.pushed, repository.deleted. What
 * a client did by HTTP has the attributes actor, user_agent and address; a manifest that was fetched and not pushed has the
 * attribute `upstream`.
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
        ...originAttributes(),
        ...(upstream !== undefined && { upstream }),
      },
    }),
  manifestDeleted: ({ repository, digest }) =>
    log.append({
      type: 'manifest.deleted',
      subject: subject(repository),
      attributes: { digest, ...originAttributes() },
    }),
  tagDeleted: ({ repository, tag, digest }) =>
    log.append({
      type: 'tag.deleted',
      subject: subject(repository),
      attributes: { tag, digest, ...originAttributes() },
    }),
  blobPushed: ({ repository, blob, mounted }) =>
    log.append({
      type: 'blob.pushed',
      subject: subject(repository),
      attributes: { digest: blob.digest, size: String(blob.size), mounted: String(mounted), ...originAttributes() },
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

/** The log as those read it who follow it within this process. */
export function eventSource(log: EventLog): EventSource {
  return {
    name: log.name,
    host: log.host,
    get last() {
      return log.last
    },
    read(after, limit) {
      const { events, gap, last } = log.read({ log: log.name, sequence: after }, limit)
      const page = { events: events.map(registryEvent), last }
      if (gap === undefined) return page
      // The numbers that a reboot leaves out stand for no events.
      return { ...page, missed: gap.reason === 'compacted' ? gap.last - gap.first + 1 : 0 }
    },
    behind: (sequence) => log.behind(sequence),
    grown: (sequence, signal) => log.grown(sequence, signal),
  }
}

const registryEvent = ({ id, sequence, time, type, subject, attributes }: Event): RegistryEvent => ({
  ...{ id, sequence, type, attributes },
  at: Number(fromTimestamp(time) / 1_000_000n),
  repository: subject?.id ?? '',
})
