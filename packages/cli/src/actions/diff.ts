import { isUtf8 } from 'node:buffer'
import { ChangeKind } from '@caisson/api/snapshot'
import { printableBytes } from '../output/printable.ts'
import type { Action } from '../spec.ts'

/** The letters of docker diff. */
const LETTERS: Readonly<Partial<Record<ChangeKind, string>>> = {
  [ChangeKind.ADDED]: 'A',
  [ChangeKind.MODIFIED]: 'C',
  [ChangeKind.DELETED]: 'D',
}
const WORDS: Readonly<Partial<Record<ChangeKind, string>>> = {
  [ChangeKind.ADDED]: 'added',
  [ChangeKind.MODIFIED]: 'modified',
  [ChangeKind.DELETED]: 'deleted',
}

/** Lists what a container changed in its root. */
export const diff: Action = async ({ engine, out, signal }, args) => {
  const [container = ''] = args
  const containers = await engine.containers()
  for await (const { kind, path } of containers.changes({ container }, { signal, deadlineMs: 0 }))
    if (out.json) out.record({ kind: WORDS[kind] ?? 'unknown', path: path.toString(), ...bytesOf(path) })
    else out.line(`${LETTERS[kind] ?? '?'} ${printableBytes(path)}`)
  return 0
}

/** A path that is no text cannot be told from another one by its text. */
const bytesOf = (path: Buffer): { pathBase64?: string } => (isUtf8(path) ? {} : { pathBase64: path.toString('base64') })
