import type { RepositoryName } from '../distribution/names.ts'

/** The part of a registry's policy that access asks for. */
export interface AnonymousPulls {
  /** Whether everybody may pull from a repository. */
  areAllowed(repository: RepositoryName): Promise<boolean>
}
