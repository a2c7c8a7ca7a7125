import type { Grant } from './grant.ts'

export type GrantDocument = { readonly repositories: string; readonly rights: readonly string[] }

export const toGrantDocuments = (grants: readonly Grant[]): GrantDocument[] =>
  grants.map(({ repositories, rights }) => ({ repositories: repositories.text, rights }))
