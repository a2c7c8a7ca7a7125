import { type Handlers, invalid, receivedChunks, toTimestamp } from '@caisson/api'
import type { ContainersDefinition, WriteContainerArchiveRequest } from '@caisson/api/container'
import type { ContainerFiles } from '../files/container-files.ts'
import { reference, text, wrong } from './checks.ts'

type Methods = 'statPath' | 'readArchive' | 'writeArchive' | 'export'

const MAX_PATH = 4_095

/** The part of caisson.runtime.v1.Containers that reaches into files. */
export function archiveHandlers(files: ContainerFiles): Pick<Handlers<typeof ContainersDefinition>, Methods> {
  return {
    statPath: async ({ container, path, follow }, { signal }) => {
      const { mtimeNs, ...facts } = await files.stat(reference('container', container), pathIn(path), follow, signal)
      return { ...facts, modifiedAt: toTimestamp(mtimeNs) }
    },
    readArchive: async function* ({ container, path, follow, name }, { signal }) {
      const request = { path: pathIn(path), follow, oneMount: false, name }
      for await (const chunk of files.read(reference('container', container), request, signal)) yield { chunk }
    },
    writeArchive: async (requests, { signal }) => {
      const { options, chunks } = await openUpload(requests)
      const { container, path, makePath, noOverwriteDir, keepOwners } = options
      const request = { path: pathIn(path), makePath, noOverwriteDir, keepOwners }
      return await files.write(reference('container', container), request, chunks, signal)
    },
    export: async function* ({ container }, { signal }) {
      for await (const chunk of files.export(reference('container', container), signal)) yield { chunk }
    },
  }
}

function pathIn(path: string): string {
  if (path === '') throw wrong('path', 'it is missing')
  return text('path', path, MAX_PATH)
}

type Options = Extract<NonNullable<WriteContainerArchiveRequest['item']>, { $case: 'options' }>['value']

/** The options, which are the first message, and the bytes behind them. */
async function openUpload(
  requests: AsyncIterable<WriteContainerArchiveRequest>,
): Promise<{ options: Options; chunks: AsyncIterable<Buffer> }> {
  const iterator = requests[Symbol.asyncIterator]()
  const first = await iterator.next()
  const item = first.done ? undefined : first.value.item
  if (item?.$case !== 'options') throw invalid('the first message must be the options', { reason: 'OPTIONS_MISSING' })
  return { options: item.value, chunks: receivedChunks(iterator) }
}
