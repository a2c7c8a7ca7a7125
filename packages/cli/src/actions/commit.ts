import type { Action } from '../spec.ts'

/** Makes an image of what a container changed, and prints its id. */
export const commit: Action = async ({ engine, out, signal }, args, options) => {
  const [container = '', reference = ''] = args
  const containers = await engine.containers()
  const { imageId, digest, ...named } = await containers.commit(
    {
      container,
      reference,
      changes: options.list('change'),
      comment: options.text('message') ?? '',
      author: options.text('author') ?? '',
      pause: options.maybeFlag('pause') !== false,
      compression: options.text('compression') ?? '',
    },
    { signal, deadlineMs: 0 },
  )
  if (out.json) out.document({ id: imageId, digest, reference: named.reference })
  else out.line(imageId)
  return 0
}
