import { refuse } from './refusal.ts'

/** What a command about the registry's own content names: a repository, and a tag or a digest in it. */
export interface RepositoryTarget {
  readonly repository: string
  readonly tag?: string
  readonly digest?: string
}

/** "team/app", "team/app:1", "team/app@sha256:...": names of the registry itself, without its host. */
export function parseRepositoryTarget(text: string): RepositoryTarget {
  const found = /^([a-z0-9][a-z0-9._/-]{0,254})(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127})|@([a-z0-9]+:[0-9a-f]+))?$/.exec(
    text,
  )
  const [, repository, tag, digest] = found ?? []
  if (repository === undefined) throw refuse('repository', text, 'is not NAME, NAME:TAG or NAME@DIGEST')
  return { repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) }
}
