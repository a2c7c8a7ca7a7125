import type { RepositoryName } from '../distribution/names.ts'

/** A registry whose content is held here when it is asked for. */
export interface Upstream {
  /** As in `ns=`: registry.example, registry.example:5000. */
  readonly name: string
  /** Scheme, host and port: https://registry.example. */
  readonly url: string
  /** Repositories below this name are its own: with `hub`, `hub/library/debian` is its `library/debian`. */
  readonly prefix: RepositoryName
  /** Absent: it is asked as nobody in particular. */
  readonly credentials?: { readonly username: string; readonly password: string }
  /** Hosts, with a port where they need one, that may be sent the credentials besides the upstream itself. */
  readonly tokenHosts: readonly string[]
  /** Seconds that a tag is taken as it is held before it is checked again. */
  readonly revalidateSeconds: number
  /** PEM of authorities that are trusted besides the system's. Empty: none. */
  readonly ca: string
  /** http although others are on the way. */
  readonly insecure: boolean
  /** Its name may lead to a private network or to this machine. */
  readonly privateNetwork: boolean
  /** Downloads at a time in one process. */
  readonly maxDownloads: number
}

/** What the upstream calls a repository of ours. */
export const remoteName = ({ prefix }: Upstream, repository: RepositoryName): string =>
  repository.slice(prefix.length + 1)
