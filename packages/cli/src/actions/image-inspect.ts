import { CaissonError } from '@caisson/api/error'
import { Image } from '@caisson/api/image'
import { EXIT_OK } from '../exit-code.ts'
import { reportFailure } from '../failure.ts'
import { parsePlatform } from '../parse/platform.ts'
import type { Action } from '../spec.ts'
import { dockerImage } from './docker-image.ts'

/** Shows everything that is known of images, as JSON. */
export const imageInspect: Action = async ({ engine, out, signal, debug }, args, options) => {
  const platform = options.parsed('platform', parsePlatform)
  const toDocument = options.flag('docker') ? dockerImage : Image.toJSON
  const images = await engine.images()
  const documents: unknown[] = []
  let exitCode = EXIT_OK
  for (const image of args)
    try {
      documents.push(toDocument(await images.get({ image, platform }, { signal })))
    } catch (thrown) {
      exitCode = reportFailure(CaissonError.from(thrown), out, debug)
    }
  out.document(documents)
  return exitCode
}
