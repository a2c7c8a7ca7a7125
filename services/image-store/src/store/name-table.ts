import type { Digest } from '@caisson/oci'
import type { Store } from '@caisson/service-kit'
import type { NameTable } from '../image/ports.ts'
import { digest, push, text } from './rows.ts'

/** Table `image_name`. */
export function nameTable(store: Store): NameTable {
  const get = store.prepare('SELECT target FROM image_name WHERE name = ?')
  const set = store.prepare(
    'INSERT INTO image_name (name, target) VALUES (?, ?) ON CONFLICT DO UPDATE SET target = excluded.target',
  )
  const remove = store.prepare('DELETE FROM image_name WHERE name = ?')
  const of = store.prepare('SELECT name FROM image_name WHERE target = ? ORDER BY name')
  const ofImages = store.prepare(
    `SELECT image_target.image, image_name.name FROM image_name
     JOIN image_target ON image_target.digest = image_name.target ORDER BY image_name.name`,
  )
  return {
    get: (name) => {
      const row = get.get(name)
      return row ? digest(row, 'target') : undefined
    },
    set: (name, target) => void set.run(name, target),
    delete: (name) => void remove.run(name),
    of: (target) => of.all(target).map((row) => text(row, 'name')),
    ofImages: () => {
      const names = new Map<Digest, string[]>()
      for (const row of ofImages.all()) push(names, digest(row, 'image'), text(row, 'name'))
      return names
    },
  }
}
