import { invalid } from './error/error.ts'

interface ChunkMessage {
  readonly item?: { readonly $case: string; readonly value?: unknown } | undefined
}

/**
 * The bytes of an upload, as a service reads them behind its first message; `next` is a message that was asked for already.
 * Whoever stops reading ends the call. Throws OPTIONS_TWICE when something else comes.
 */
export async function* receivedChunks<M extends ChunkMessage>(
  messages: AsyncIterator<M>,
  next?: Promise<IteratorResult<M>>,
): AsyncGenerator<Buffer> {
  try {
    for (let message = await (next ?? messages.next()); !message.done; message = await messages.next()) {
      const { item } = message.value
      if (item?.$case !== 'chunk' || !Buffer.isBuffer(item.value))
        throw invalid('after the first message only bytes may follow', { reason: 'OPTIONS_TWICE' })
      if (item.value.length > 0) yield item.value
    }
  } finally {
    await messages.return?.()
  }
}
