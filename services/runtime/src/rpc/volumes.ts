import { type Handlers, invalid, type Partially, receivedChunks, toTimestamp } from '@caisson/api'
import type {
  CreateVolumeRequest,
  ImportVolumeRequest,
  Volume as Message,
  VolumesDefinition,
} from '@caisson/api/volume'
import { listVolumes, pruneVolumes, type VolumeFilter } from '../volumes/find-volumes.ts'
import type { Owner, Volume, VolumeDraft } from '../volumes/volume.ts'
import type { VolumeLife } from '../volumes/volume-life.ts'
import { dictionary, shown, text, within, wrong } from './checks.ts'
import { filterIn } from './convert.ts'
import { driverIn, optionsOfDriver, volumeName } from './volumes-in.ts'

/** caisson.runtime.v1.Volumes. */
export function volumeHandlers(life: VolumeLife): Handlers<typeof VolumesDefinition> {
  const { volumes, table } = life
  const out = (volume: Volume, sizeBytes = -1): Partially<Message> => ({
    ...volumeOut(volume),
    mountpoint: volumes.path(volume),
    usedBy: table.usesOf(volume.name).map(({ containerId }) => containerId),
    sizeBytes,
  })
  return {
    create: async (request) => out(await volumes.create(draftIn(request), text('request_id', request.requestId, 256))),
    get: async ({ name }, { signal }) => {
      const volume = volumes.get(volumeName('name', name))
      return out(volume, await volumes.usage(volume, signal))
    },
    list: async ({ filter, dangling, driver, page }) => {
      const asked: VolumeFilter = { ...filterIn(filter), dangling, driver: text('driver', driver, 128) }
      const found = listVolumes(table, asked, page?.size ?? 0, text('page.token', page?.token ?? '', 128))
      return { volumes: found.volumes.map((volume) => out(volume)), nextPageToken: found.nextPageToken }
    },
    remove: async ({ name, force }) => {
      await volumes.remove(volumeName('name', name), force)
      return {}
    },
    prune: async ({ filter, all }, { signal }) => {
      const asked: VolumeFilter = { ...filterIn(filter), driver: '' }
      return await pruneVolumes(volumes, table, asked, all, signal)
    },
    clone: async ({ source, name, labels, requestId }, { signal }) => {
      const target = { name: name === '' ? '' : volumeName('name', name), labels: dictionary('labels', labels) }
      const request = { source: volumeName('source', source), ...target, requestId: text('request_id', requestId, 256) }
      return out(await life.clone(request, signal))
    },
    export: async function* ({ name }, { signal }) {
      for await (const chunk of life.export(volumeName('name', name), signal)) yield { chunk }
    },
    import: async (requests, { signal }) => {
      const { name, chunks } = await openImport(requests)
      return out(await life.import(volumeName('name', name), chunks, signal))
    },
  }
}

function volumeOut(volume: Volume): Partially<Message> {
  const { name, driver, options, labels, createdNs, anonymous, quotaBytes, madeFor } = volume
  return { name, driver, options, labels, createdAt: toTimestamp(createdNs), anonymous, quotaBytes, madeFor }
}

function draftIn(request: CreateVolumeRequest): VolumeDraft {
  const { name, driver, options, labels, quotaBytes, owner, mode } = request
  return {
    name: name === '' ? '' : volumeName('name', name),
    driver: driverIn('driver', driver),
    options: optionsOfDriver('options', options),
    labels: dictionary('labels', labels),
    madeFor: '',
    quotaBytes: within('quota_bytes', quotaBytes, 0, Number.MAX_SAFE_INTEGER),
    ...(owner !== '' && { owner: ownerIn(owner) }),
    ...(mode !== 0 && { mode: within('mode', mode, 0, 0o7777) }),
  }
}

function ownerIn(owner: string): Owner {
  const [, uid, gid] = /^(\d{1,5}):(\d{1,5})$/.exec(owner) ?? []
  if (uid === undefined || Number(uid) > 65_535 || Number(gid) > 65_535)
    throw wrong('owner', `${shown(owner)} is not uid:gid with ids up to 65535`)
  return { uid: Number(uid), gid: Number(gid) }
}

/** The name, which is the first message, and the bytes behind it. */
async function openImport(
  requests: AsyncIterable<ImportVolumeRequest>,
): Promise<{ name: string; chunks: AsyncIterable<Buffer> }> {
  const iterator = requests[Symbol.asyncIterator]()
  const first = await iterator.next()
  const item = first.done ? undefined : first.value.item
  if (item?.$case !== 'name')
    throw invalid('the first message must be the name of the volume', { reason: 'OPTIONS_MISSING' })
  return { name: item.value, chunks: receivedChunks(iterator) }
}
