import { Upstream } from '@caisson/api/registry'
import { openArchive } from '../../archive-input.ts'
import { eachName } from '../../each-name.ts'
import { EXIT_OK } from '../../exit-code.ts'
import { passwordFromStdin } from '../../login/ask.ts'
import type { OptionValues } from '../../option-values.ts'
import { roughDuration } from '../../output/units.ts'
import { parseInteger } from '../../parse/numbers.ts'
import { refuse } from '../../parse/refusal.ts'
import { parseDuration } from '../../parse/time.ts'
import { registryService } from '../../registry-service.ts'
import type { Action } from '../../spec.ts'

const REVALIDATE_SECONDS = 300

/** Lists the registries that content is taken from. */
export const upstreamList: Action = async ({ engine, out, signal }) => {
  const { upstreams } = await (await registryService(engine)).upstreams.list({}, { signal })
  out.list(
    upstreams,
    [
      { head: 'UPSTREAM', cell: ({ name }) => name },
      { head: 'URL', cell: ({ url }) => url },
      { head: 'REPOSITORIES', cell: ({ prefix }) => `${prefix}/*` },
      { head: 'USER', cell: ({ username }) => username || '-' },
      { head: 'TAGS TRUSTED', cell: ({ revalidateSeconds }) => trustOf(revalidateSeconds) },
    ],
    Upstream.toJSON,
  )
  return EXIT_OK
}

/** Takes repositories from another registry when they are asked for. */
export const upstreamSet: Action = async ({ engine, out, signal }, [name = ''], options) => {
  const { upstreams } = await registryService(engine)
  const request = {
    name,
    url: options.text('url') ?? `https://${name}`,
    prefix: options.text('prefix') ?? '',
    username: options.text('username') ?? '',
    password: await passwordOf(options),
    tokenHosts: [...options.list('tokenHost')],
    revalidateSeconds: options.parsed('revalidate', secondsOf) ?? REVALIDATE_SECONDS,
    ca: (await options.parsed('caCert', textOf)) ?? '',
    insecure: options.flag('insecure'),
    privateNetwork: options.flag('privateNetwork'),
    maxDownloads: options.parsed('maxDownloads', (text) => parseInteger('--max-downloads', text, 1)) ?? 0,
    adopt: options.flag('adopt'),
  }
  const upstream = await upstreams.set(request, { signal })
  if (out.json) out.document(Upstream.toJSON(upstream))
  else out.line(upstream.name)
  return EXIT_OK
}

/** Takes nothing more from other registries. */
export const upstreamRemove: Action = async (context, names) => {
  const { upstreams } = await registryService(context.engine)
  return eachName(context, names, async (name) => {
    await upstreams.delete({ name }, { signal: context.signal })
    return undefined
  })
}

async function passwordOf(options: OptionValues): Promise<string> {
  if (options.flag('passwordStdin')) return await passwordFromStdin()
  return ((await options.parsed('passwordFile', textOf)) ?? '').replace(/\r?\n$/, '')
}

async function textOf(file: string): Promise<string> {
  return Buffer.concat(await Array.fromAsync(openArchive(file).chunks)).toString('utf8')
}

function secondsOf(text: string): number {
  const ns = text === '0' ? 0n : parseDuration(text)
  if (ns === undefined) throw refuse('--revalidate', text, "is not a length of time: write it as '5m', or 0 for never")
  return Number(ns / 1_000_000_000n)
}

const trustOf = (seconds: number): string => (seconds === 0 ? 'never' : `for ${roughDuration(seconds * 1_000)}`)
