import type { Partially } from '@caisson/api'
import { type Image, type PullRequest, PullResponse, PushResponse } from '@caisson/api/image'
import type { Context } from '../context.ts'
import { EXIT_OK } from '../exit-code.ts'
import { authOf } from '../login/auth-of.ts'
import type { OptionValues } from '../option-values.ts'
import { transferDisplay } from '../output/transfer-display.ts'
import { parsePlatform } from '../parse/platform.ts'
import type { Action } from '../spec.ts'

/** The annotation that says under which name a registry has what was pushed. */
const REF_NAME = 'org.opencontainers.image.ref.name'

/** Pulls an image, or every tag of a repository. */
export const pull: Action = async (context, args, options) => {
  const { out, engine, signal } = context
  const images = await engine.images()
  const quiet = options.flag('quiet')
  const pulled: Image[] = []
  {
    using display = await transferDisplay(out, quiet)
    for await (const response of images.pull(await requestOf(context, args, options), { signal })) {
      const { item } = response
      if (out.json && (item?.$case === 'image' || !quiet)) out.record(PullResponse.toJSON(response))
      if (item?.$case === 'progress') display.show(item.value)
      else if (item?.$case === 'image') pulled.push(item.value)
    }
  }
  if (!out.json) for (const image of pulled) out.line(resultLine(image, args[0] ?? '', quiet))
  return EXIT_OK
}

/** Pushes an image, or every tag of a repository. */
export const push: Action = async (context, args, options) => {
  const { out, engine, signal } = context
  const images = await engine.images()
  const quiet = options.flag('quiet')
  const lines: string[] = []
  {
    using display = await transferDisplay(out, quiet)
    for await (const response of images.push(await requestOf(context, args, options), { signal })) {
      const { item } = response
      if (out.json && (item?.$case === 'pushed' || !quiet)) out.record(PushResponse.toJSON(response))
      if (item?.$case === 'progress') display.show(item.value)
      else if (item?.$case === 'pushed') lines.push(`${item.value.annotations[REF_NAME] ?? ''} ${item.value.digest}`)
    }
  }
  if (!out.json) for (const line of lines) out.line(quiet ? (line.split(' ')[0] ?? '') : line)
  return EXIT_OK
}

async function requestOf(
  { signal }: Context,
  [reference = '']: readonly string[],
  options: OptionValues,
): Promise<Partially<PullRequest>> {
  return {
    reference,
    platform: options.parsed('platform', parsePlatform),
    allTags: options.flag('allTags'),
    auth: await authOf(reference, signal),
  }
}

/** The name that an image is known by now and its digest; quiet the name only, as scripts want it. */
function resultLine({ names, repoDigests, digest, id }: Image, reference: string, quiet: boolean): string {
  const own = repoDigests.find((name) => name.endsWith(`@${digest}`))
  const name = reference.includes('@') ? (own ?? id) : (names.find((one) => isNamed(one, reference)) ?? names[0] ?? id)
  return quiet || name.endsWith(digest) ? name : `${name} ${digest}`
}

/** Whether a stored name is what the user wrote, with what goes without saying added. */
function isNamed(name: string, written: string): boolean {
  return [written, `${written}:latest`].some((form) => name === form || name.endsWith(`/${form}`))
}

/** Pulls an image that a container is to be made of; progress goes to standard error. */
export async function pullFor(
  { engine, out, signal }: Context,
  request: Partially<PullRequest>,
  quiet: boolean,
): Promise<void> {
  const images = await engine.images()
  using display = await transferDisplay(out, quiet)
  const auth = await authOf(request.reference ?? '', signal)
  for await (const { item } of images.pull({ ...request, auth }, { signal }))
    if (item?.$case === 'progress') display.show(item.value)
}
