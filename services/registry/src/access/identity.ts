/** Somebody who was let in. */
export type Identity = {
  /** What it came in as: the name of the user, or the id of a robot token. */
  readonly subject: string
  readonly user: string
  /** Of the user, when it came in; it is let in no more when they changed. */
  readonly uid: string
  readonly epoch: number
}
