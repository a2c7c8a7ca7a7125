import { HistoryEntry, type Image, type Layer } from '@caisson/api/image'
import { ageOf } from '../output/age.ts'
import { decimalBytes } from '../output/units.ts'
import { parsePlatform } from '../parse/platform.ts'
import type { Action } from '../spec.ts'
import { shortId } from './images.ts'

const WIDTH = 45

/** A step of an image's history, and the layer that it made. */
interface Step {
  readonly entry: HistoryEntry
  readonly layer: Layer | undefined
  /** Only the last step is an image of its own. */
  readonly id: string
}

/** Shows how an image was made, the newest step first. */
export const history: Action = async ({ engine, out, signal }, args, options) => {
  const [name = ''] = args
  const platform = options.parsed('platform', parsePlatform)
  const image = await (await engine.images()).get({ image: name, platform }, { signal })
  const steps = stepsOf(image)
  const whole = options.maybeFlag('trunc') === false
  const idOf = ({ id }: Step): string => (id === '' ? '<missing>' : whole ? id : shortId(id))
  const cut = (text: string): string => (whole || text.length <= WIDTH ? text : `${text.slice(0, WIDTH - 1)}…`)
  if (options.flag('quiet')) for (const step of steps) out.line(idOf(step))
  else
    out.list(
      steps,
      [
        { head: 'IMAGE', cell: idOf },
        { head: 'CREATED', cell: ({ entry }) => (entry.createdAt ? `${ageOf(entry.createdAt)} ago` : '-') },
        { head: 'CREATED BY', cell: ({ entry }) => cut(entry.createdBy) },
        { head: 'SIZE', cell: ({ layer }) => decimalBytes(layer?.unpackedSize ?? 0) },
        { head: 'COMMENT', cell: ({ entry }) => entry.comment },
      ],
      toJson,
    )
  return 0
}

/** The newest first. Layers that the history does not know come above it. */
function stepsOf(image: Image): Step[] {
  const layers = [...image.layers]
  const steps = image.history.map((entry): Step => {
    const layer = entry.emptyLayer ? undefined : layers.shift()
    return { entry, layer, id: '' }
  })
  for (const layer of layers) steps.push({ entry: UNKNOWN, layer, id: '' })
  const newest = steps.reverse()
  return newest.map((step, at) => (at === 0 ? { ...step, id: image.id } : step))
}

const UNKNOWN: HistoryEntry = { createdAt: undefined, createdBy: '', emptyLayer: false, comment: '', author: '' }

function toJson({ entry, layer, id }: Step): object {
  const made = HistoryEntry.toJSON(entry) as object
  return { ...made, id, size: layer?.unpackedSize ?? 0, digest: layer?.digest ?? '', diffId: layer?.diffId ?? '' }
}
