import type { Handlers } from '@caisson/api'
import type { ImagesDefinition } from '@caisson/api/image'
import { type PlatformRequest, wantedPlatform } from '../image/platform.ts'
import type { ImageStore } from '../service.ts'
import { toImage } from './convert.ts'
import { withProgress } from './progress.ts'
import { openSocketUpload } from './uploads.ts'

type ArchiveMethods = 'load' | 'save'

/** The methods of caisson.image.v1.Images that read and write archives of images. */
export function archiveHandlers(store: ImageStore): Pick<Handlers<typeof ImagesDefinition>, ArchiveMethods> {
  const layerOf = store.layers.get.bind(store.layers)
  return {
    load: async function* (requests, { signal }) {
      using upload = await openSocketUpload(requests, store.sockets)
      const { options, chunks, path } = upload
      if (path !== undefined) yield { item: { $case: 'socket', value: path } }
      const { reference, platform, morePlatforms, allPlatforms, size } = options
      const platforms = allPlatforms ? 'all' : wantedPlatforms([...(platform ? [platform] : []), ...morePlatforms])
      const steps = withProgress((report) => store.loader.load({ reference, platforms, size }, chunks, report, signal))
      for await (const step of steps)
        if ('progress' in step) yield { item: { $case: 'progress', value: step.progress } }
        else {
          for (const image of step.result.images) yield { item: { $case: 'image', value: toImage(image, layerOf) } }
          for (const moved of step.result.moved) yield { item: { $case: 'moved', value: moved } }
        }
    },
    save: async function* ({ images, platforms }, { signal }) {
      const request = { images, platforms: wantedPlatforms(platforms) }
      for await (const chunk of store.saver.save(request, signal)) yield { chunk }
    },
  }
}

function wantedPlatforms(asked: readonly PlatformRequest[]) {
  return asked.flatMap((platform) => wantedPlatform(platform) ?? [])
}
