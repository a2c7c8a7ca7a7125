import { posix } from 'node:path'
import { type Digest, isDigest } from './digest.ts'
import { Fields } from './fields.ts'
import { OciFormatError } from './format-error.ts'
import { type Healthcheck, readHealthcheck } from './healthcheck.ts'
import { parseJson } from './json.ts'
import { type ImageManifest, MAX_LAYERS } from './manifest.ts'
import { type Platform, readPlatform } from './platform.ts'
import { parseSignal } from './signal.ts'

/** An image's config: what it is for, how it is run, which layers it has. */
export interface ImageConfig {
  readonly platform: Platform
  /** RFC 3339. */
  readonly created?: string
  readonly author?: string
  readonly container: ContainerDefaults
  /** Digests of the uncompressed layers, the lowest first. */
  readonly diffIds: readonly Digest[]
  readonly history: readonly HistoryEntry[]
}

/** What a container of the image is like that asks for nothing else. Text is '' and lists are empty when not given. */
export interface ContainerDefaults {
  readonly user: string
  /** NAME=value. */
  readonly env: readonly string[]
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  /** Absolute; '' for the root. */
  readonly workingDir: string
  /** Absolute paths. */
  readonly volumes: readonly string[]
  /** "80/tcp", "53/udp", "8000-8010/tcp". */
  readonly exposedPorts: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  /** A name or a number. */
  readonly stopSignal: string
  readonly stopTimeoutSeconds?: number
  readonly healthcheck?: Healthcheck
  readonly shell: readonly string[]
  readonly onBuild: readonly string[]
}

export interface HistoryEntry {
  readonly created?: string
  readonly createdBy?: string
  readonly author?: string
  readonly comment?: string
  /** No layer belongs to it. */
  readonly isEmptyLayer: boolean
}

export const MAX_CONFIG_BYTES = 8 << 20
const REASON = 'IMAGE_CONFIG_INVALID'
const MAX_STRINGS = 10_000
const MAX_STRING = 131_071
const MAX_PATH = 4095
const MAX_HISTORY = 5000
const PORT = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/

/** Reads and checks an image config. Throws IMAGE_CONFIG_INVALID, LIMIT_EXCEEDED, and what parseJson throws. */
export function parseImageConfig(document: Uint8Array | string): ImageConfig {
  const fields = new Fields(
    parseJson(document, { subject: 'image config', maxBytes: MAX_CONFIG_BYTES }),
    'config',
    REASON,
  )
  const created = fields.optionalString('created', 64)
  const author = fields.optionalString('author')
  return {
    platform: readPlatform(fields),
    ...(created !== undefined && { created }),
    ...(author !== undefined && { author }),
    container: readContainer(fields.optionalFields('config') ?? new Fields({}, 'config.config', REASON)),
    diffIds: readDiffIds(fields.fields('rootfs')),
    history: fields.list('history', MAX_HISTORY, readHistory),
  }
}

/** Every layer of the manifest has its diff id in the config, and no more. Throws IMAGE_CONFIG_INVALID. */
export function checkLayerCount(manifest: ImageManifest, config: ImageConfig): void {
  const [layers, diffIds] = [manifest.layers.length, config.diffIds.length]
  if (layers === diffIds) return
  const message = `the manifest has ${layers} layers, but its config has ${diffIds} diff ids: they do not belong together`
  throw new OciFormatError(REASON, 'config.rootfs.diff_ids', message)
}

function readDiffIds(rootfs: Fields): Digest[] {
  const type = rootfs.optionalString('type') ?? 'layers'
  if (type !== 'layers') throw rootfs.error('type', `is ${JSON.stringify(type)}, not "layers"`)
  return rootfs.list('diff_ids', MAX_LAYERS, (item, at) => {
    if (typeof item === 'string' && isDigest(item)) return item
    throw new OciFormatError(REASON, at, `${at} is no sha256 or sha512 digest`)
  })
}

function readContainer(fields: Fields): ContainerDefaults {
  const stopTimeoutSeconds = fields.optionalInteger('StopTimeout', 0, 2 ** 31 - 1)
  const healthcheck = fields.optionalFields('Healthcheck')
  return {
    user: readUser(fields),
    env: fields.strings('Env', MAX_STRINGS, MAX_STRING).map((variable) => checkVariable(fields, variable)),
    entrypoint: readCommand(fields, 'Entrypoint'),
    cmd: readCommand(fields, 'Cmd'),
    workingDir: readWorkingDir(fields),
    volumes: readVolumes(fields),
    exposedPorts: readPorts(fields),
    labels: fields.stringMap('Labels', MAX_STRINGS, 1 << 20),
    stopSignal: readStopSignal(fields),
    ...(stopTimeoutSeconds !== undefined && { stopTimeoutSeconds }),
    ...(healthcheck && { healthcheck: readHealthcheck(healthcheck) }),
    shell: readCommand(fields, 'Shell'),
    onBuild: fields.strings('OnBuild', MAX_STRINGS, MAX_STRING),
  }
}

/** Docker has written a single string here now and then. */
function readCommand(fields: Fields, name: string): string[] {
  const value = fields.get(name)
  if (typeof value === 'string') return [fields.string(name, MAX_STRING)]
  return fields.strings(name, MAX_STRINGS, MAX_STRING)
}

function readUser(fields: Fields): string {
  const user = fields.optionalString('User', 256) ?? ''
  if (/[\n\r]/.test(user)) throw fields.error('User', 'holds a line end')
  return user
}

function checkVariable(fields: Fields, variable: string): string {
  if (variable.indexOf('=') > 0) return variable
  throw fields.error('Env', `holds ${JSON.stringify(variable.slice(0, 60))}, which is not of the form NAME=value`)
}

function readWorkingDir(fields: Fields): string {
  const path = fields.optionalString('WorkingDir', MAX_PATH) ?? ''
  if (path === '' || path.startsWith('/')) return path
  throw fields.error('WorkingDir', `is ${JSON.stringify(path.slice(0, 60))}, not an absolute path`)
}

function readVolumes(fields: Fields): string[] {
  const volumes = fields.optionalFields('Volumes')?.names() ?? []
  if (volumes.length > MAX_STRINGS)
    throw new OciFormatError('LIMIT_EXCEEDED', 'config.config.Volumes', 'too many volumes')
  return volumes.map((volume) => {
    const path = posix.normalize(`/${volume}`).replace(/(?<=.)\/$/, '')
    const isGood = volume.startsWith('/') && path !== '/' && volume.length <= MAX_PATH && !volume.includes('\0')
    if (!isGood)
      throw fields.error('Volumes', `has ${JSON.stringify(volume.slice(0, 60))}, where nothing can be mounted`)
    return path
  })
}

function readPorts(fields: Fields): string[] {
  const ports = fields.optionalFields('ExposedPorts')?.names() ?? []
  if (ports.length > MAX_STRINGS)
    throw new OciFormatError('LIMIT_EXCEEDED', 'config.config.ExposedPorts', 'too many ports')
  return ports.map((port) => {
    const [, first, last = first, protocol = 'tcp'] = PORT.exec(port) ?? []
    const isGood = Number(first) >= 1 && Number(first) <= Number(last) && Number(last) <= 65_535
    if (!isGood) throw fields.error('ExposedPorts', `has ${JSON.stringify(port.slice(0, 40))}, which is no port`)
    return `${first === last ? first : `${first}-${last}`}/${protocol}`
  })
}

function readStopSignal(fields: Fields): string {
  const signal = fields.optionalString('StopSignal', 32) ?? ''
  if (signal === '') return ''
  try {
    parseSignal(signal)
    return signal
  } catch {
    throw fields.error('StopSignal', `is ${JSON.stringify(signal)}, which is no signal`)
  }
}

function readHistory(json: unknown, at: string): HistoryEntry {
  const fields = new Fields(json, at, REASON)
  const created = fields.optionalString('created', 64)
  const createdBy = fields.optionalString('created_by', MAX_CONFIG_BYTES)
  const author = fields.optionalString('author')
  const comment = fields.optionalString('comment', 65_536)
  return {
    ...(created !== undefined && { created }),
    ...(createdBy !== undefined && { createdBy }),
    ...(author !== undefined && { author }),
    ...(comment !== undefined && { comment }),
    isEmptyLayer: fields.optionalBoolean('empty_layer') ?? false,
  }
}
