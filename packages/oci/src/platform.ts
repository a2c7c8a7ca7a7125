import type { Fields } from './fields.ts'
import { OciFormatError, shown } from './format-error.ts'

/** What an image runs on, in the spelling of Go that the image spec uses. */
export interface Platform {
  readonly os: string
  readonly architecture: string
  /** "v7" of arm, "v8" of arm64, "v3" of amd64. */
  readonly variant?: string
  readonly osVersion?: string
  readonly osFeatures?: readonly string[]
}

const WORD = /^[A-Za-z0-9_.-]{1,64}$/

const ARCHITECTURES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  i386: ['386'],
  i486: ['386'],
  i586: ['386'],
  i686: ['386'],
  aarch64: ['arm64'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
}

/** The variant that is meant when none is named. */
const ORDINARY_VARIANT: Readonly<Record<string, string>> = { arm: 'v7', arm64: 'v8', amd64: 'v1' }

/** Of this process. */
export function hostPlatform(arch: string = process.arch): Platform {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' }
  return normalPlatform({ os: 'linux', architecture: Object.hasOwn(names, arch) ? (names[arch] ?? arch) : arch })
}

/** Reads "linux/arm64/v8", "linux/amd64" or "arm64". Throws PLATFORM_INVALID. */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/')
  const isGood = parts.length <= 3 && parts.every((part) => WORD.test(part))
  const [first = '', second, variant] = parts
  if (!isGood)
    throw new OciFormatError('PLATFORM_INVALID', shown(text), `${shown(text)} is no platform: expected "linux/arm64"`)
  if (second === undefined) return normalPlatform({ os: 'linux', architecture: first })
  return normalPlatform({ os: first, architecture: second, ...(variant !== undefined && { variant }) })
}

/** "linux/arm64/v8" */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`
}

/** One spelling for each platform, and no variant where it is the ordinary one of amd64 and arm64. */
export function normalPlatform(platform: Platform): Platform {
  const architecture = platform.architecture.toLowerCase()
  const known = Object.hasOwn(ARCHITECTURES, architecture) ? ARCHITECTURES[architecture] : undefined
  const name = known?.[0] ?? architecture
  const written =
    platform.variant === undefined || platform.variant === '' ? known?.[1] : platform.variant.toLowerCase()
  const variant = written !== undefined && /^\d/.test(written) ? `v${written}` : written
  const isImplied = name !== 'arm' && variant === ORDINARY_VARIANT[name]
  const { variant: _variant, ...rest } = platform
  const kept = isImplied ? undefined : (variant ?? (name === 'arm' ? 'v7' : undefined))
  return { ...rest, os: platform.os.toLowerCase(), architecture: name, ...(kept !== undefined && { variant: kept }) }
}

/**
 * How well what is offered runs on what is wanted: undefined for not at all, else a number that is the larger the better.
 * A processor runs its own variant and the lesser ones.
 */
export function platformFit(wanted: Platform, offered: Platform): number | undefined {
  const [want, have] = [normalPlatform(wanted), normalPlatform(offered)]
  if (want.os !== have.os || want.architecture !== have.architecture) return undefined
  if (want.osVersion !== undefined && have.osVersion !== undefined && want.osVersion !== have.osVersion)
    return undefined
  const [least, most] = [variantNumber(have), variantNumber(want)]
  if (least === undefined || most === undefined) return want.variant === have.variant ? 0 : undefined
  return least <= most ? least : undefined
}

/** v8.1 is 8.1; the ordinary variant where none is named; undefined for one that has no order. */
function variantNumber(platform: Platform): number | undefined {
  const ordinary = Object.hasOwn(ORDINARY_VARIANT, platform.architecture)
    ? ORDINARY_VARIANT[platform.architecture]
    : 'v0'
  const match = /^v(\d{1,3}(?:\.\d{1,3})?)$/.exec(platform.variant ?? ordinary ?? 'v0')
  return match ? Number(match[1]) : undefined
}

/** The platform of a descriptor or of an image config. */
export function readPlatform(fields: Fields): Platform {
  const variant = fields.optionalString('variant', 64)
  const osVersion = fields.optionalString('os.version', 128)
  const osFeatures = fields.strings('os.features', 64, 128)
  return {
    os: fields.string('os', 64),
    architecture: fields.string('architecture', 64),
    ...(variant !== undefined && variant !== '' && { variant }),
    ...(osVersion !== undefined && osVersion !== '' && { osVersion }),
    ...(osFeatures.length > 0 && { osFeatures }),
  }
}
