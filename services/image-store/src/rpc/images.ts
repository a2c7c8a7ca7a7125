import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError, type Handlers } from '@caisson/api'
import type { ImagesDefinition } from '@caisson/api/image'
import { matchesFilter, page } from '../image/list.ts'
import { type FoundImage, parseImageName } from '../image/lookup.ts'
import { wantedPlatform } from '../image/platform.ts'
import type { MovedName } from '../image/registrar.ts'
import type { ImageStore } from '../service.ts'
import { archiveHandlers } from './archives.ts'
import { commitImage } from './commit.ts'
import { fromPage, fromTime, toImage } from './convert.ts'
import { withProgress } from './progress.ts'
import { transferHandlers } from './transfers.ts'
import { trustOf } from './trust.ts'
import { counting, openSocketUpload } from './uploads.ts'

/** caisson.image.v1.Images. */
export function imagesHandlers(store: ImageStore): Handlers<typeof ImagesDefinition> {
  const layerOf = store.layers.get.bind(store.layers)
  const uniqueBytes = (images: readonly FoundImage[]) => store.images.uniqueBytes(images, layerOf)
  return {
    ...archiveHandlers(store),
    import: async function* (requests, { signal }) {
      using upload = await openSocketUpload(requests, store.sockets)
      const { options, chunks, path } = upload
      if (path !== undefined) yield { item: { $case: 'socket', value: path } }
      const { reference, changes, comment, size } = options
      const subject = reference === '' ? 'tar' : reference
      const request = { reference, changes, comment, size, platform: wantedPlatform(options.platform) }
      const moved: MovedName[] = []
      const steps = withProgress((report) => {
        const counted = counting(chunks, (done) =>
          report({ subject, action: 'reading', done, total: size, unit: 'bytes' }),
        )
        return store.importer.import(request, counted, (name) => moved.push(name), signal)
      })
      for await (const step of steps)
        if ('progress' in step) yield { item: { $case: 'progress', value: step.progress } }
        else {
          for (const name of moved) yield { item: { $case: 'moved', value: name } }
          yield { item: { $case: 'image', value: toImage(step.result, layerOf) } }
        }
    },
    get: async ({ image, platform }) => {
      const found = store.lookup.find(image, wantedPlatform(platform))
      return toImage(found, layerOf, uniqueBytes([found])(found), trustOf(store, found, image))
    },
    list: async (request) => {
      const isWanted = matchesFilter({ ...request, until: fromTime(request.until) }, store.lookup)
      const found = page(store.lookup, isWanted, fromPage(request.page))
      const uniqueOf = uniqueBytes(found.rows)
      const images = found.rows.map((image) => toImage(image, layerOf, uniqueOf(image), trustOf(store, image)))
      return { images, nextPageToken: found.next }
    },
    tag: async ({ image, reference }) => {
      const found = store.lookup.find(image, undefined)
      return toImage(store.registrar.tag(found, parseImageName(reference)), layerOf)
    },
    remove: ({ image, force, keepParents }, { signal }) =>
      onceFree(() => store.images.remove(image, { force, keepParents }), signal),
    prune: async ({ all, filter, until, dryRun, withoutLabels }) => {
      const isMeant = matchesFilter({ filter, until: fromTime(until), withoutLabels }, store.lookup)
      return store.images.prune(isMeant, { all, dryRun })
    },
    ...transferHandlers(store),
    commit: commitImage(store),
  }
}

/** A container that has just ended may need its image for a moment more: it is given back in the background. */
const PATIENCE_MS = 500
const POLL_MS = 25

async function onceFree<T>(remove: () => T, signal: AbortSignal): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;)
    try {
      return remove()
    } catch (error) {
      const isInUse = error instanceof CaissonError && error.reason === 'IMAGE_IN_USE'
      if (!isInUse || performance.now() > deadline) throw error
      await sleep(POLL_MS, undefined, { signal })
    }
}
