/** Yields what several sources yield, as it comes. Ends when all ended; leaving early ends all. */
export async function* merge<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]())
  const pending = new Map(iterators.map((iterator, index) => [index, step(iterator, index)]))
  try {
    while (pending.size > 0) {
      const { index, result } = await Promise.race(pending.values())
      const iterator = iterators[index]
      if (result.done || !iterator) {
        pending.delete(index)
        continue
      }
      pending.set(index, step(iterator, index))
      yield result.value
    }
  } finally {
    // A source that waits for its next item ends by the caller's signal, so its end is not waited for here.
    for (const iterator of iterators) void iterator.return?.()
  }
}

async function step<T>(
  iterator: AsyncIterator<T>,
  index: number,
): Promise<{ index: number; result: IteratorResult<T> }> {
  return { index, result: await iterator.next() }
}
