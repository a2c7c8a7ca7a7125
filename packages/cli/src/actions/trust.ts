import {
  CheckTrustResponse,
  GetPolicyResponse,
  type ImageTrust,
  type TrustRule,
  TrustState,
  ValidatePolicyResponse,
} from '@caisson/api/trust'
import { openArchive } from '../archive-input.ts'
import type { Context } from '../context.ts'
import { EXIT_OK } from '../exit-code.ts'
import type { Column } from '../output/output.ts'
import { printableLines } from '../output/printable.ts'
import type { Action } from '../spec.ts'

const EXIT_REJECTED = 1
/** Digits that tell one key from another at a glance. */
const SHOWN_DIGITS = 12

const STATES: ReadonlyMap<TrustState, string> = new Map([
  [TrustState.UNCHECKED, 'unchecked'],
  [TrustState.ACCEPTED_UNSIGNED, 'unsigned'],
  [TrustState.VERIFIED, 'verified'],
  [TrustState.REJECTED, 'rejected'],
])

/** A state in a word. */
export const trustWord = (trust: ImageTrust | undefined): string => STATES.get(trust?.state ?? 0) ?? '-'

/** Tells whether containers may be made of images. */
export const trustCheck: Action = async (context, args) => {
  const found = await checkAll(context, args)
  const rejected = found.flatMap(({ names }) => names).filter(({ state }) => state === TrustState.REJECTED)
  show(context, found, [])
  for (const { problem } of rejected) context.out.note(printableLines(problem))
  return rejected.length > 0 ? EXIT_REJECTED : EXIT_OK
}

/** Shows who has signed images. */
export const trustInspect: Action = async (context, args) => {
  const found = await checkAll(context, args)
  show(context, found, [
    { head: 'KEYS', cell: ({ keys }) => keys.map(shortKey).join(' ') || '-' },
    { head: 'VERIFIED', cell: ({ verifiedAt }) => (verifiedAt ? dateOf(verifiedAt.seconds) : '-') },
  ])
  return EXIT_OK
}

/** Shows the policy, or checks one. */
export const trustPolicy: Action = async ({ engine, out, signal }, args) => {
  const trust = await engine.trust()
  const [file] = args
  const document = file === undefined ? undefined : await readAll(file)
  const policy = document ? await trust.validatePolicy({ document }, { signal }) : await trust.getPolicy({}, { signal })
  if (out.json) out.document(document ? ValidatePolicyResponse.toJSON(policy) : GetPolicyResponse.toJSON(policy))
  else
    out.table(policy.rules, [
      { head: 'SCOPE', cell: ({ scope }) => scope },
      { head: 'RULE', cell: ({ type }) => type },
      { head: 'SIGNERS', cell: signersOf },
    ])
  return EXIT_OK
}

async function checkAll({ engine, signal }: Context, images: readonly string[]): Promise<CheckTrustResponse[]> {
  const trust = await engine.trust()
  const found: CheckTrustResponse[] = []
  for (const image of images) found.push(await trust.check({ image }, { signal }))
  return found
}

type Line = ImageTrust & { readonly id: string }

function show({ out }: Context, found: readonly CheckTrustResponse[], more: readonly Column<Line>[]): void {
  if (out.json) out.document(found.map(CheckTrustResponse.toJSON))
  else
    out.table(
      found.flatMap(({ id, names }) => names.map((trust) => ({ ...trust, id }))),
      [
        { head: 'IMAGE', cell: ({ name, id }) => name || id },
        { head: 'STATE', cell: trustWord },
        { head: 'RULE', cell: ({ rule }) => rule || '-' },
        ...more,
      ],
    )
}

function signersOf({ keys, threshold }: TrustRule): string {
  return keys.length === 0 ? '-' : `${threshold} of ${keys.map(shortKey).join(' ')}`
}

const shortKey = (key: string): string => key.replace(/^sha256:/, '').slice(0, SHOWN_DIGITS)

const dateOf = (seconds: number): string => new Date(seconds * 1_000).toISOString()

async function readAll(file: string): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const chunk of openArchive(file).chunks) parts.push(chunk)
  return Buffer.concat(parts)
}
