import type { Digest } from '@caisson/oci'
import type { Store } from '@caisson/service-kit'
import type { ImageSourceTable } from '../image/ports.ts'
import { digest, push, text } from './rows.ts'

/** Table `image_source`. What an image has there goes with the image. */
export function imageSourceTable(store: Store): ImageSourceTable {
  const add = store.prepare(
    'INSERT INTO image_source (image, digest, repository) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const of = store.prepare('SELECT repository, digest FROM image_source WHERE image = ? ORDER BY repository, digest')
  const all = store.prepare('SELECT image, repository, digest FROM image_source ORDER BY repository, digest')
  return {
    add: (image, { repository, digest }) => void add.run(image, digest, repository),
    of: (image) => of.all(image).map(reference),
    ofImages: () => {
      const found = new Map<Digest, string[]>()
      for (const row of all.all()) push(found, digest(row, 'image'), reference(row))
      return found
    },
  }
}

const reference = (row: Readonly<Record<string, unknown>>): string =>
  `${text(row, 'repository')}@${text(row, 'digest')}`
