import type { Handlers } from '@caisson/api'
import type { ContainersDefinition } from '@caisson/api/container'
import { ChangeKind } from '@caisson/api/snapshot'
import type { ContainerLife } from '../container/container-life.ts'
import type { RootChange } from '../ports.ts'
import { reference, text, texts } from './checks.ts'

const MAX_REFERENCE = 4_096
const MAX_REMARK = 65_536
const MAX_CHANGES = 1_000

const KINDS = {
  added: ChangeKind.ADDED,
  modified: ChangeKind.MODIFIED,
  deleted: ChangeKind.DELETED,
} as const satisfies Record<RootChange['kind'], ChangeKind>

/** Commit and Changes of caisson.runtime.v1.Containers. */
export function commitHandlers(life: ContainerLife): Pick<Handlers<typeof ContainersDefinition>, 'commit' | 'changes'> {
  return {
    commit: async (request, { signal }) => {
      const {
        id,
        digest,
        reference: name,
      } = await life.commit(
        {
          container: reference('container', request.container),
          reference: text('reference', request.reference, MAX_REFERENCE),
          changes: texts('changes', request.changes, MAX_CHANGES),
          comment: text('comment', request.comment, MAX_REMARK),
          author: text('author', request.author, MAX_REMARK),
          pause: request.pause ?? true,
          compression: text('compression', request.compression, 40),
        },
        signal,
      )
      return { imageId: id, digest, reference: name }
    },
    changes: async function* ({ container }, { signal }) {
      for await (const { kind, path } of life.changes(reference('container', container), signal))
        yield { kind: KINDS[kind], path }
    },
  }
}
