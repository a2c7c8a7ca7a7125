import { readFileSync } from 'node:fs'
import type { Channel } from '@caisson/api'
import { CaissonError } from '@caisson/api'
import { type Image, type ImageConfig, ImagesDefinition } from '@caisson/api/image'
import { ChangeKind, type PrepareResponse, SnapshotsDefinition } from '@caisson/api/snapshot'
import { mergeEnvironment } from '@caisson/oci'
import type { Platform } from '../container/spec.ts'
import type { PreparedRoot, RootChange, Roots, RootUse, RunSettings } from '../ports.ts'

/** Keys of snapshots that are roots of containers; who lists snapshots can tell them from others. */
const PREFIX = 'container-'

export const snapshotKey = (id: string): string => PREFIX + id

const PAGE = 1_000

/** Roots from the image store. */
export function imageStoreRoots(channel: Channel, prepareTimeoutMs: number): Roots {
  const snapshots = channel.client(SnapshotsDefinition)
  const images = channel.client(ImagesDefinition)
  const prepared = (
    [first = '', ...more]: readonly string[],
    image: string,
    platform: Platform | undefined,
    use: RootUse,
    signal: AbortSignal,
  ) => {
    const request = {
      key: PREFIX + first,
      moreKeys: more.map((id) => PREFIX + id),
      base: { $case: 'image', value: image },
      platform,
      volatile: use.volatile,
      quotaBytes: use.storageBytes ?? 0,
    } as const
    const options = { signal, deadlineMs: prepareTimeoutMs }
    return use.writable ? snapshots.prepare(request, options) : snapshots.view(request, options)
  }
  return {
    async prepare(id, image, platform, use, signal) {
      return rootOf(await prepared([id], image, platform, use, signal))
    },
    async prepareAll(ids, image, platform, use, signal) {
      const response = await prepared(ids, image, platform, use, signal)
      const first = rootOf(response)
      const { lookupVersion, lookupVersionPath } = response
      return {
        roots: [first, ...response.more.map((root) => ({ ...first, root }))],
        isCurrent: () => lookupVersion.length > 0 && holds(lookupVersionPath, lookupVersion),
      }
    },
    async remove([first, ...more], signal) {
      if (first === undefined) return
      await snapshots.remove({ key: PREFIX + first, moreKeys: more.map((id) => PREFIX + id) }, { signal })
    },
    async list(signal) {
      const ids: string[] = []
      for (let token = ''; ; ) {
        const page = await snapshots.list({ page: { size: PAGE, token } }, { signal })
        for (const { key } of page.snapshots) if (key.startsWith(PREFIX)) ids.push(key.slice(PREFIX.length))
        token = page.nextPageToken
        if (token === '') return ids
      }
    },
    async usage(id, signal) {
      return (await snapshots.usage({ key: PREFIX + id }, { signal })).bytes
    },
    async commit(id, { settings, ...draft }, signal) {
      const { config } = await images.get({ image: settings.image }, { signal })
      const request = { ...draft, snapshot: PREFIX + id, config: config && withSettings(config, settings) }
      // As long as the caller waits: it reads all that the container wrote.
      const image = await images.commit(request, { signal, deadlineMs: 0 })
      return { id: image.id, digest: image.manifest?.digest ?? image.digest, reference: nameIn(image, draft.reference) }
    },
    async *changes(id, signal) {
      for await (const { kind, path } of snapshots.changes({ key: PREFIX + id }, { signal, deadlineMs: 0 }))
        yield { kind: kindOf(kind), path }
    },
  }
}

function holds(path: string, content: Uint8Array): boolean {
  try {
    return readFileSync(path).equals(content)
  } catch {
    // The image store is on another host, or was taken away.
    return false
  }
}

/** The config of an image with what a container of it was made with. */
function withSettings(config: ImageConfig, settings: RunSettings): ImageConfig {
  const { entrypoint, cmd, env, workingDir, user, labels, stopSignal } = settings
  return {
    ...config,
    entrypoint: [...(entrypoint ?? config.entrypoint)],
    // With an entrypoint of its own the image's command counts no more.
    cmd: [...(cmd ?? (entrypoint ? [] : config.cmd))],
    env: mergeEnvironment(config.env, env),
    workingDir: workingDir || config.workingDir,
    user: user || config.user,
    labels: { ...config.labels, ...labels },
    stopSignal: stopSignal || config.stopSignal,
  }
}

/** A new image has the one name that it was given. */
function nameIn({ names }: Image, asked: string): string {
  return asked === '' ? '' : ((names.length === 1 ? names[0] : undefined) ?? asked)
}

function kindOf(kind: ChangeKind): RootChange['kind'] {
  if (kind === ChangeKind.ADDED) return 'added'
  return kind === ChangeKind.DELETED ? 'deleted' : 'modified'
}

function rootOf({ mount, image }: PrepareResponse): PreparedRoot {
  const config = image?.config
  if (!mount || mount.lowerDirs.length === 0 || !image || !config)
    throw new CaissonError('internal', 'the image store prepared a root and did not say what to mount')
  return {
    image: { id: image.id, digest: image.manifest?.digest ?? image.digest },
    config: {
      user: config.user,
      env: config.env,
      entrypoint: config.entrypoint,
      cmd: config.cmd,
      volumes: config.volumes,
      exposedPorts: config.exposedPorts,
      workingDir: config.workingDir,
      stopSignal: config.stopSignal,
    },
    root: mount,
  }
}
