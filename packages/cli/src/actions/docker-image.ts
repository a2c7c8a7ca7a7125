import { fromTimestamp, type Timestamp } from '@caisson/api'
import type { HealthCheck, Image, ImageConfig } from '@caisson/api/image'
import { rfc3339Nano } from '../output/units.ts'
import { familiar } from './images.ts'

/** An image as `docker image inspect` prints it, as far as it is about the image and not about Docker's own storage. */
export function dockerImage(image: Image): object {
  const { id, names, platform, layers, manifest } = image
  return {
    Id: id,
    RepoTags: names.map(familiar),
    RepoDigests: [...new Set(names.map((name) => `${repositoryOf(familiar(name))}@${image.digest}`))],
    Comment: image.history.at(-1)?.comment ?? '',
    Created: timeText(image.createdAt),
    Author: image.author,
    Config: image.config ? dockerConfig(image.config) : null,
    Architecture: platform?.architecture ?? '',
    ...(platform?.variant ? { Variant: platform.variant } : {}),
    Os: platform?.os ?? '',
    Size: image.size,
    RootFS: { Type: 'layers', Layers: layers.map(({ diffId }) => diffId) },
    Metadata: { LastTagTime: '0001-01-01T00:00:00Z' },
    Descriptor: manifest ? { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.size } : null,
  }
}

function dockerConfig(config: ImageConfig): object {
  return {
    User: config.user,
    ExposedPorts: asSet(config.exposedPorts),
    Env: orNull(config.env),
    Cmd: orNull(config.cmd),
    Healthcheck: config.healthCheck ? dockerHealthcheck(config.healthCheck) : undefined,
    Volumes: asSet(config.volumes),
    WorkingDir: config.workingDir,
    Entrypoint: orNull(config.entrypoint),
    OnBuild: orNull(config.onBuild),
    Labels: Object.keys(config.labels).length > 0 ? config.labels : null,
    StopSignal: config.stopSignal || undefined,
    Shell: config.shell.length > 0 ? config.shell : undefined,
  }
}

function dockerHealthcheck(check: HealthCheck): object {
  return {
    Test: check.test,
    Interval: check.intervalNs || undefined,
    Timeout: check.timeoutNs || undefined,
    StartPeriod: check.startPeriodNs || undefined,
    StartInterval: check.startIntervalNs || undefined,
    Retries: check.retries || undefined,
  }
}

/** Go's sets are objects of empty objects, and left out when they are empty. */
function asSet(names: readonly string[]): object | undefined {
  return names.length === 0 ? undefined : Object.fromEntries(names.map((name) => [name, {}]))
}

const orNull = (words: readonly string[]): readonly string[] | null => (words.length === 0 ? null : words)

function repositoryOf(name: string): string {
  const colon = name.lastIndexOf(':')
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name
}

function timeText(time: Timestamp | undefined): string {
  return time ? rfc3339Nano(fromTimestamp(time)) : '0001-01-01T00:00:00Z'
}
