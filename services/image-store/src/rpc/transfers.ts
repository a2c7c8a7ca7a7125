import type { Handlers } from '@caisson/api'
import type { ImagesDefinition } from '@caisson/api/image'
import { wantedPlatform } from '../image/platform.ts'
import type { ImageStore } from '../service.ts'
import { fromAuth } from './auth.ts'
import { toImage } from './convert.ts'
import { withProgress } from './progress.ts'

/** The annotation that says under which name a registry has what was pushed. */
const REF_NAME = 'org.opencontainers.image.ref.name'

/** Pull and Push of caisson.image.v1.Images. */
export function transferHandlers(store: ImageStore): Pick<Handlers<typeof ImagesDefinition>, 'pull' | 'push'> {
  const layerOf = store.layers.get.bind(store.layers)
  return {
    pull: async function* ({ reference, platform, auth, allTags }, { signal }) {
      const request = { reference, platform: wantedPlatform(platform), auth: fromAuth(auth), allTags }
      for await (const step of withProgress((report) => store.puller.pull(request, report, signal)))
        if ('progress' in step) yield { item: { $case: 'progress', value: step.progress } }
        else for (const image of step.result) yield { item: { $case: 'image', value: toImage(image, layerOf) } }
    },
    push: async function* ({ reference, platform, auth, allTags }, { signal }) {
      const request = { reference, platform: wantedPlatform(platform), auth: fromAuth(auth), allTags }
      for await (const step of withProgress((report) => store.pusher.push(request, report, signal)))
        if ('progress' in step) yield { item: { $case: 'progress', value: step.progress } }
        else
          for (const { name, ...descriptor } of step.result)
            yield { item: { $case: 'pushed', value: { ...descriptor, annotations: { [REF_NAME]: name } } } }
    },
  }
}
