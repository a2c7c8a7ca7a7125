/** What the file system of a directory does. */
export interface QuotaState {
  readonly filesystem: 'ext4' | 'xfs' | 'other'
  /** It counts what projects take. */
  readonly accounts: boolean
  /** Limits of projects hold. */
  readonly enforces: boolean
}

export interface ProjectUsage {
  readonly bytes: number
  readonly inodes: number
}

/** Project quotas of the kernel. Paths are directories on the file system that is meant. */
export interface QuotaTool {
  quotaState(path: string, signal: AbortSignal): Promise<QuotaState>
  quotaUsage(path: string, project: number, signal: AbortSignal): Promise<ProjectUsage>
  /** Limits a project, 0: no more, and makes the directories `names` below the path part of it. */
  setQuota(
    path: string,
    quota: { readonly project: number; readonly bytes: number; readonly names: readonly string[] },
    signal: AbortSignal,
  ): Promise<void>
}

/** A project that is taken. */
export interface QuotaRecord {
  readonly project: number
  /** Key of the snapshot it limits. Undefined: that is gone, or not there yet. */
  readonly snapshot: string | undefined
  readonly bytes: number
}

export interface QuotaTable {
  /** The first number from `first` on that is not taken. */
  free(first: number): number
  insert(quota: QuotaRecord): void
  assign(project: number, snapshot: string): void
  delete(project: number): void
  ofSnapshot(key: string): QuotaRecord | undefined
  all(): QuotaRecord[]
}
