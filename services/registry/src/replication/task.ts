/**
 * What is to be done for one repository, or, with an empty name, for all that there are: to make the target what the source
 * is when it is done. Times are milliseconds since 1970.
 */
export interface Task {
  /** Tags and digests, each with a mark that is another one whenever it is named again. */
  readonly references: Readonly<Record<string, string>>
  /** All tags behind this one too; of a task for everything: all repositories. Undefined: what `references` say, and no more. */
  readonly after?: string | undefined
  /** How often it failed since it last went well. */
  readonly failures: number
  /** Not before then. */
  readonly notBefore: number
  /** Why it failed last. Empty: it did not. */
  readonly error: string
  readonly lease?: Lease | undefined
}

/** Who works on a task, until when if he gives no sign of life. */
export interface Lease {
  readonly holder: string
  readonly until: number
}

export interface TaskKey {
  /** Of the rule. */
  readonly uid: string
  /** Empty: every repository. */
  readonly repository: string
}

/** As documents are called: no name of a repository and no uid has a blank. */
export const textOf = ({ uid, repository }: TaskKey): string => `${uid} ${repository}`

export function keyOf(text: string): TaskKey {
  const blank = text.indexOf(' ')
  return { uid: text.slice(0, blank), repository: text.slice(blank + 1) }
}

export const NEW_TASK: Task = { references: {}, failures: 0, notBefore: 0, error: '' }

/** So many fit into a document. */
const MOST_REFERENCES = 2_000

/** What more there is to do. */
export interface Wanted {
  readonly references?: Iterable<string>
  /** From the first tag, or repository, on. */
  readonly all?: boolean
}

/**
 * The task with more to do. When that is too much for one document, all tags are gone through instead: what was removed at
 * the source meanwhile then stays at the target.
 */
export function withMore(task: Task, { references = [], all = false }: Wanted): Task {
  const marks = { ...task.references }
  const mark = crypto.randomUUID().slice(0, 8)
  for (const reference of references) marks[reference] = mark
  if (Object.keys(marks).length > MOST_REFERENCES) return { ...task, after: '' }
  return { ...task, references: marks, ...(all && { after: '' }) }
}

/** The task without what was done, unless it was named again meanwhile. */
export function without(task: Task, done: ReadonlyMap<string, string>): Task {
  const left = Object.entries(task.references).filter(([reference, mark]) => done.get(reference) !== mark)
  return { ...task, references: Object.fromEntries(left) }
}

export const isEmpty = ({ references, after }: Task): boolean =>
  after === undefined && Object.keys(references).length === 0

export const isLeased = ({ lease }: Task, now: number): boolean => lease !== undefined && lease.until > now
