import { CreateTokenResponse, Token } from '@caisson/api/registry'
import { eachName } from '../../each-name.ts'
import { EXIT_OK } from '../../exit-code.ts'
import { ageOf } from '../../output/age.ts'
import { formatGrant, parseGrant } from '../../parse/grant.ts'
import { refuse } from '../../parse/refusal.ts'
import { parseDuration } from '../../parse/time.ts'
import { registryService } from '../../registry-service.ts'
import type { Action } from '../../spec.ts'

/** Lists the tokens of programs. */
export const tokenList: Action = async ({ engine, out, signal }, [user = '']) => {
  const { tokens } = await (await registryService(engine)).access.listTokens({ user }, { signal })
  out.list(
    tokens,
    [
      { head: 'TOKEN', cell: ({ id }) => id },
      { head: 'USER', cell: (token) => token.user },
      { head: 'RIGHTS', cell: ({ grants }) => grants.map(formatGrant).join(' ') || '-' },
      { head: 'EXPIRES', cell: ({ expiresAt }) => dateOf(expiresAt) },
      { head: 'LAST USED', cell: ({ lastSeenAt }) => (lastSeenAt ? `${ageOf(lastSeenAt)} ago` : 'never') },
      { head: 'FOR', cell: ({ description }) => description },
    ],
    Token.toJSON,
  )
  return EXIT_OK
}

/** Makes a token for a program. Its secret is told this once. */
export const tokenCreate: Action = async ({ engine, out, signal }, [user = ''], options) => {
  const request = {
    user,
    description: options.text('description') ?? '',
    grants: options.list('grant').map(parseGrant),
    ttlSeconds: options.parsed('ttl', secondsOf) ?? 0,
  }
  const made = await (await registryService(engine)).access.createToken(request, { signal })
  if (out.json) out.document(CreateTokenResponse.toJSON(made))
  else {
    out.line(made.secret)
    out.note(
      `log in as ${made.token?.id} with this secret until ${dateOf(made.token?.expiresAt)}; it is not told again`,
    )
  }
  return EXIT_OK
}

/** Removes tokens. */
export const tokenRemove: Action = async (context, ids) => {
  const { access } = await registryService(context.engine)
  return eachName(context, ids, async (id) => {
    await access.deleteToken({ id }, { signal: context.signal })
    return undefined
  })
}

function secondsOf(text: string): number {
  const ns = parseDuration(text)
  if (ns === undefined || ns < 1_000_000_000n) throw refuse('--ttl', text, "is not a length of time: write it as '90d'")
  return Number(ns / 1_000_000_000n)
}

const dateOf = (time: { seconds: number } | undefined): string =>
  time ? new Date(time.seconds * 1_000).toISOString().slice(0, 10) : '-'
