import { randomBytes } from 'node:crypto'
import { CaissonError } from '@caisson/api'
import type { DigestAlgorithm } from '@caisson/oci'
import { uploadUnknown } from '../../distribution/errors.ts'
import type { RepositoryName } from '../../distribution/names.ts'
import type { UploadState } from '../ports.ts'
import type { Cell, Cells } from './cells.ts'
import { keys } from './keys.ts'

/** Where an upload stands, for any process to go on with it. */
export interface SessionValue {
  readonly repository: RepositoryName
  readonly algorithm: DigestAlgorithm
  readonly offset: number
  readonly startedAt: number
  readonly touchedAt: number
  /** Id of S3's multipart upload, once a part was full. */
  readonly multipart?: string
  readonly parts: readonly SessionPart[]
  /** Bytes behind the parts that are too few for one: the object that has them. */
  readonly tail?: { readonly key: string; readonly size: number }
  /** The first number that no part was ever given, by whoever it was. */
  readonly nextPart: number
  /** Who works on it, and until when it is left alone. */
  readonly holder?: { readonly id: string; readonly until: number }
}

/** What becomes another; the tail is always said. */
export type SessionChange = Partial<Omit<SessionValue, 'tail' | 'holder' | 'touchedAt'>> & {
  readonly tail: SessionValue['tail'] | undefined
}

export interface SessionPart {
  readonly number: number
  readonly etag: string
}

/** How long a process that is gone keeps others from going on. */
const HELD_MS = 30_000
const ID = /^[0-9a-f]{32}$/

/** The right to change an upload: each write of it is on the condition that nobody else wrote. */
export class Session {
  readonly id: string
  readonly #cells: Cells
  readonly #clock: () => number
  readonly #holder: string
  #cell: Cell<SessionValue>

  private constructor(id: string, cells: Cells, clock: () => number, holder: string, cell: Cell<SessionValue>) {
    this.id = id
    this.#cells = cells
    this.#clock = clock
    this.#holder = holder
    this.#cell = cell
  }

  static async find(cells: Cells, repository: RepositoryName, id: string): Promise<Cell<SessionValue> | undefined> {
    if (!ID.test(id)) return undefined
    const cell = await cells.read<SessionValue>(keys.upload(id))
    return cell?.value.repository === repository ? cell : undefined
  }

  /** Throws BLOB_UPLOAD_UNKNOWN, or UPLOAD_BUSY while another holds it. */
  static async take(cells: Cells, repository: RepositoryName, id: string, clock: () => number): Promise<Session> {
    const cell = await Session.find(cells, repository, id)
    if (cell === undefined) throw uploadUnknown(id)
    if (cell.value.holder !== undefined && cell.value.holder.until > clock()) throw busy(id)
    const holder = randomBytes(8).toString('hex')
    const taken = await cells.replace(cell, { ...cell.value, holder: { id: holder, until: clock() + HELD_MS } })
    if (taken === undefined) throw busy(id)
    return new Session(id, cells, clock, holder, taken)
  }

  get value(): SessionValue {
    return this.#cell.value
  }

  /** Writes where it stands, and goes on holding it. Throws UPLOAD_BUSY when another took it over. */
  async save(change: SessionChange): Promise<void> {
    const now = this.#clock()
    await this.#write(change, { holder: { id: this.#holder, until: now + HELD_MS } })
  }

  /** Writes where it stands, and lets others go on. */
  async release(change: SessionChange): Promise<void> {
    await this.#write(change, {})
  }

  /** Ends the upload. Its key is never used again, and a write over what is gone fails: no condition is needed. */
  async end(): Promise<void> {
    await this.#cells.objects.delete(this.#cell.key)
  }

  async #write({ tail, ...change }: SessionChange, holding: Pick<SessionValue, 'holder'>): Promise<void> {
    const { holder: _, tail: __, ...rest } = this.value
    const touchedAt = this.#clock()
    const value = { ...rest, ...change, ...(tail !== undefined && { tail }), touchedAt, ...holding }
    const written = await this.#cells.replace(this.#cell, value)
    if (written === undefined) throw busy(this.id)
    this.#cell = written
  }
}

export function stateOf(id: string, value: SessionValue): UploadState {
  const { repository, algorithm, offset, startedAt } = value
  return { id, repository, algorithm, offset, startedAt }
}

function busy(id: string): CaissonError {
  return new CaissonError('aborted', `another request is at work on the upload ${id}: wait for its end`, {
    reason: 'UPLOAD_BUSY',
    details: { upload: id },
  })
}
