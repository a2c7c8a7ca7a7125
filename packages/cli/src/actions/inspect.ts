import { Container } from '@caisson/api/container'
import { CaissonError, notFound } from '@caisson/api/error'
import { Image } from '@caisson/api/image'
import type { Context } from '../context.ts'
import { EXIT_OK } from '../exit-code.ts'
import { reportFailure } from '../failure.ts'
import { refuse } from '../parse/refusal.ts'
import type { Action } from '../spec.ts'

/** Shows everything that is known of containers and images, as JSON. */
export const inspect: Action = async (context, args, options) => {
  const type = options.text('type') ?? 'any'
  if (!['any', 'container', 'image'].includes(type)) throw refuse('--type', type, 'is neither container nor image')
  const documents: unknown[] = []
  let exitCode = EXIT_OK
  for (const name of args)
    try {
      documents.push(await find(context, name, type))
    } catch (thrown) {
      exitCode = reportFailure(CaissonError.from(thrown), context.out, context.debug)
    }
  context.out.document(documents)
  return exitCode
}

async function find(context: Context, name: string, type: string): Promise<unknown> {
  if (type === 'container') return findContainer(context, name)
  if (type === 'image') return findImage(context, name)
  const container = await orMissing(() => findContainer(context, name))
  if (container !== undefined) return container
  // What cannot be the name of an image is missing as well.
  const image = await orMissing(() => findImage(context, name), 'invalid-argument')
  if (image !== undefined) return image
  throw notFound('container or image', name)
}

async function orMissing(look: () => Promise<unknown>, alsoMissing?: string): Promise<unknown> {
  try {
    return await look()
  } catch (error) {
    if (error instanceof CaissonError && (error.code === 'not-found' || error.code === alsoMissing)) return undefined
    throw error
  }
}

async function findContainer({ engine, signal }: Context, name: string): Promise<unknown> {
  return Container.toJSON(await (await engine.containers()).get({ container: name }, { signal }))
}

async function findImage({ engine, signal }: Context, name: string): Promise<unknown> {
  return Image.toJSON(await (await engine.images()).get({ image: name }, { signal }))
}
