import { Image, type MovedName } from '@caisson/api/image'
import { Upload } from '@caisson/api/upload'
import { openArchive } from '../archive-input.ts'
import type { Output } from '../output/output.ts'
import { printable } from '../output/printable.ts'
import { progressDisplay } from '../output/progress.ts'
import { parsePlatform } from '../parse/platform.ts'
import type { Action } from '../spec.ts'

/** Makes an image from a tar of a root file system. */
export const importImage: Action = async ({ engine, out, signal }, args, options) => {
  const [path = '', reference = ''] = args
  const archive = openArchive(path)
  const images = await engine.images()
  const settings = {
    reference,
    changes: options.list('change'),
    comment: options.text('message'),
    platform: options.parsed('platform', parsePlatform),
    size: archive.size,
  }
  const upload = new Upload(settings, archive.chunks)
  let image: Image | undefined
  const moved: MovedName[] = []
  {
    using progress = await progressDisplay(out, `importing ${path === '-' ? 'standard input' : path}`)
    for await (const { item } of images.import(upload.messages(), { signal }))
      if (item?.$case === 'socket') upload.goesTo(item.value)
      else if (item?.$case === 'progress') progress.show(item.value)
      else if (item?.$case === 'image') image = item.value
      else if (item?.$case === 'moved') moved.push(item.value)
  }
  tellMoved(out, moved)
  if (image && out.json) out.document(Image.toJSON(image))
  else if (image) out.line(image.id)
  return 0
}

/** Reads images from a docker-archive or an OCI layout. */
export const load: Action = async ({ engine, out, signal }, _args, options) => {
  const path = options.text('input') ?? '-'
  const archive = openArchive(path)
  const images = await engine.images()
  const settings = {
    reference: options.text('name'),
    morePlatforms: options.list('platform').map(parsePlatform),
    allPlatforms: options.flag('allPlatforms'),
    size: archive.size,
  }
  const upload = new Upload(settings, archive.chunks)
  const loaded: Image[] = []
  const moved: MovedName[] = []
  {
    using progress = await progressDisplay(out, `loading ${path === '-' ? 'standard input' : path}`)
    for await (const { item } of images.load(upload.messages(), { signal }))
      if (item?.$case === 'socket') upload.goesTo(item.value)
      else if (item?.$case === 'progress') progress.show(item.value)
      else if (item?.$case === 'image') loaded.push(item.value)
      else if (item?.$case === 'moved') moved.push(item.value)
  }
  tellMoved(out, moved)
  if (out.json) out.document(loaded.map(Image.toJSON))
  else for (const { id, names } of loaded) out.line(`loaded ${names.join(', ') || id}`)
  return 0
}

function tellMoved(out: Output, moved: readonly MovedName[]): void {
  for (const { name, previous } of moved) out.note(`the name ${printable(name)} meant ${previous} before`)
}
