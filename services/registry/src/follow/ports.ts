/** Something that happened in this process: from its event log. */
export interface RegistryEvent {
  /** Unique, and the same whenever the event is told. Letters, digits, `-` and `:`. */
  readonly id: string
  readonly sequence: number
  /** Milliseconds since 1970. */
  readonly at: number
  /** manifest.pushed, tag.deleted ... */
  readonly type: string
  readonly repository: string
  readonly attributes: Readonly<Record<string, string>>
}

export interface EventPage {
  readonly events: readonly RegistryEvent[]
  /** The last sequence that was looked at. */
  readonly last: number
  /** How many events before these the log holds no more. Undefined: the page goes on where the one before it ended. */
  readonly missed?: number
}

/** The event log of this process. */
export interface EventSource {
  /** Of this log and no other. */
  readonly name: string
  /** The host's name. */
  readonly host: string
  /** The last sequence there is. */
  readonly last: number
  /** Reads behind a sequence, oldest first. */
  read(after: number, limit: number): EventPage
  /** How many events there are behind a sequence. */
  behind(sequence: number): number
  /** Resolves when there is more behind `sequence`. */
  grown(sequence: number, signal: AbortSignal): Promise<void>
}

/** How far somebody came in the log of this process, and what else is to be known when he goes on. */
export interface Bookmark {
  readonly sequence: number
  /** At most some KiB as JSON. */
  readonly notes: unknown
}

/**
 * Bookmarks by name, in the database of the log itself: whoever has the log has them too. They survive the end of the
 * process; a power cut may put them back by some events, which are then dealt with again.
 */
export interface Bookmarks {
  get(name: string): Bookmark | undefined
  set(name: string, bookmark: Bookmark): void
  delete(name: string): void
  /** Those that begin with `prefix`. */
  names(prefix: string): string[]
}
