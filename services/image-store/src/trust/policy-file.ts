import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { CaissonError } from '@caisson/api'
import { parseJson } from '@caisson/oci'
import type { Logger } from '@caisson/service-kit'
import { compilePolicy, type Policy } from './policy.ts'

export interface PolicyPlace {
  readonly file: string
  /** Whether it is an error that it is not there. */
  readonly isRequired: boolean
}

const NOWHERE: PolicyPlace = { file: '', isRequired: false }
const MAX_BYTES = 1 << 20
const MAX_KEY_BYTES = 64 << 10
const ATTEMPTS = 5
const FRESH_MS = 50

/**
 * The policy of a file. It is looked at whenever it is asked for (a stat for it and each of its key files), so a change
 * counts from the next question on. What cannot be read refuses everything until it can, and so does a file that was there
 * and is gone.
 */
export class PolicyFile {
  readonly #place: PolicyPlace
  readonly #log: Logger
  #seen: string | undefined
  #files: readonly string[]
  #policy: Policy | CaissonError = compilePolicy({}, () => '')
  #wasThere = false

  /** Without a place there is no policy but the default one. */
  constructor(place: PolicyPlace | undefined, log: Logger) {
    this.#place = place ?? NOWHERE
    this.#log = log
    this.#files = place ? [place.file] : []
  }

  /** Throws a CaissonError `failed-precondition` POLICY_UNREADABLE: nothing may be accepted then. */
  current(): Policy {
    if (this.#files.length > 0 && this.#stamp() !== this.#seen) this.#read()
    if (this.#policy instanceof CaissonError) throw this.#policy
    return this.#policy
  }

  /** Compiles a policy that is not in use; its key files are those beside the one in use. */
  compile(document: Uint8Array): Policy {
    const folder = dirname(this.#place.file)
    const json = parseJson(document, { subject: 'trust policy', maxBytes: MAX_BYTES })
    return compilePolicy(json, (name) => readFileLimited(resolve(folder, name), MAX_KEY_BYTES).toString('utf8'))
  }

  /** Reads until nothing changed while it was read. */
  #read(): void {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { policy, stamp } = this.#readOnce()
      if (this.#stamp() !== stamp) continue
      // Clocks of file systems may be coarse: a write right behind the last one can look like it.
      this.#seen = this.#files.some(isFresh) ? undefined : stamp
      this.#use(policy)
      return
    }
    this.#seen = undefined
    this.#use(unreadable(this.#place.file, 'it changes while it is read'))
  }

  #use(policy: Policy | CaissonError): void {
    if (sameText(policy, this.#policy)) return
    this.#policy = policy
    const { file } = this.#place
    if (policy instanceof CaissonError) this.#log.error({ file }, `${policy.message} (until then no image is accepted)`)
    else this.#log.info({ file, policy: policy.fingerprint }, 'the trust policy is in use')
  }

  #readOnce(): { policy: Policy | CaissonError; stamp: string } {
    const { file, isRequired } = this.#place
    const files = [file]
    let stamp = stampOf(file)
    const readKey = (name: string): string => {
      const path = resolve(dirname(file), name)
      files.push(path)
      stamp += stampOf(path)
      return readFileLimited(path, MAX_KEY_BYTES).toString('utf8')
    }
    try {
      const bytes = readOptional(file)
      if (bytes === undefined && (isRequired || this.#wasThere)) throw new Error('it is not there')
      this.#wasThere ||= bytes !== undefined
      const json = bytes === undefined ? {} : parseJson(bytes, { subject: 'trust policy', maxBytes: MAX_BYTES })
      const policy = compilePolicy(json, readKey)
      return { policy, stamp }
    } catch (thrown) {
      const what = thrown instanceof Error ? thrown.message : String(thrown)
      return { policy: unreadable(file, what, thrown), stamp }
    } finally {
      this.#files = files
    }
  }

  #stamp(): string {
    let stamp = ''
    for (const file of this.#files) stamp += stampOf(file)
    return stamp
  }
}

function sameText(a: Policy | CaissonError, b: Policy | CaissonError): boolean {
  if (a instanceof CaissonError) return b instanceof CaissonError && a.message === b.message
  return !(b instanceof CaissonError) && a.fingerprint === b.fingerprint
}

function isFresh(file: string): boolean {
  try {
    return Math.abs(Date.now() - (statSync(file, { throwIfNoEntry: false })?.ctimeMs ?? 0)) < FRESH_MS
  } catch {
    // What cannot be looked at has no time either: its stamp says so.
    return false
  }
}

/** Changes with every write to a file, and when another takes its place. */
function stampOf(file: string): string {
  try {
    const about = statSync(file, { bigint: true, throwIfNoEntry: false })
    return about ? `${about.dev}:${about.ino}:${about.size}:${about.mtimeNs}:${about.ctimeNs};` : '-;'
  } catch (error) {
    return `${error instanceof Error && 'code' in error ? String(error.code) : 'error'};`
  }
}

function readOptional(file: string): Buffer | undefined {
  try {
    return readFileLimited(file, MAX_BYTES)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function readFileLimited(file: string, maxBytes: number): Buffer {
  const about = statSync(file)
  if (!about.isFile()) throw new Error(`${file} is no regular file`)
  if (about.size > maxBytes) throw new Error(`${file} has ${about.size} bytes, more than ${maxBytes}`)
  return readFileSync(file)
}

function unreadable(file: string, what: string, cause?: unknown): CaissonError {
  return new CaissonError('failed-precondition', `the trust policy ${file} cannot be used: ${what}: mend it`, {
    reason: 'POLICY_UNREADABLE',
    details: { file },
    cause,
  })
}
