import { requireNoTerminal, writeArchive } from '../archive-output.ts'
import { progressDisplay } from '../output/progress.ts'
import { parsePlatform } from '../parse/platform.ts'
import type { Action } from '../spec.ts'

/** Writes images to an archive. */
export const save: Action = async ({ engine, out, signal }, args, options) => {
  const path = options.text('output') ?? '-'
  if (path === '-') requireNoTerminal()
  const platforms = options.list('platform').map(parsePlatform)
  const images = await engine.images()
  using progress = await progressDisplay(out, 'saving')
  async function* chunks(): AsyncGenerator<Buffer> {
    let done = 0
    for await (const { chunk } of images.save({ images: [...args], platforms }, { signal })) {
      done += chunk.length
      progress.show({ subject: '', action: '', done, total: 0, unit: 'bytes' })
      yield chunk
    }
  }
  await writeArchive(path, out, chunks())
  return 0
}
