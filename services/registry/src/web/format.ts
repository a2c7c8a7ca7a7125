import { type Html, html } from './html.ts'

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** Bytes by powers of 1000, three digits: "29.1 MB". */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_000
    unit++
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}

export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** The algorithm's name is left out where it is the usual one. */
export function shortDigest(digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':')
  const short = hex.slice(0, 12)
  return algorithm === 'sha256' ? short : `${algorithm}:${short}`
}

const SECOND = 1_000
const STEPS = [
  { ms: 31_557_600 * SECOND, name: 'year' },
  { ms: 2_629_800 * SECOND, name: 'month' },
  { ms: 86_400 * SECOND, name: 'day' },
  { ms: 3_600 * SECOND, name: 'hour' },
  { ms: 60 * SECOND, name: 'minute' },
] as const

/** "3 hours ago", with the moment itself as its title. */
export function timeAgo(at: number, now: number): Html {
  const step = STEPS.find(({ ms }) => now - at >= ms)
  const text = step === undefined ? 'just now' : `${formatCount(Math.floor((now - at) / step.ms), step.name)} ago`
  return html`<time datetime="${isoTime(at)}" title="${longTime(at)}">${text}</time>`
}

/** "2026-11-25 10:49 UTC" */
export function moment(at: number): Html {
  return html`<time datetime="${isoTime(at)}">${longTime(at)}</time>`
}

const isoTime = (at: number): string => new Date(at).toISOString()
const longTime = (at: number): string => `${isoTime(at).slice(0, 16).replace('T', ' ')} UTC`

const TYPES: readonly (readonly [RegExp, string])[] = [
  [/^application\/vnd\.oci\.image\.index\.v1\+json$/, 'OCI index'],
  [/^application\/vnd\.oci\.image\.manifest\.v1\+json$/, 'OCI manifest'],
  [/^application\/vnd\.docker\.distribution\.manifest\.list\.v2\+json$/, 'Docker manifest list'],
  [/^application\/vnd\.docker\.distribution\.manifest\.v2\+json$/, 'Docker manifest'],
  [/^application\/vnd\.oci\.image\.config\.v1\+json$/, 'OCI image config'],
  [/^application\/vnd\.docker\.container\.image\.v1\+json$/, 'Docker image config'],
  [/^application\/vnd\.oci\.image\.layer\.v1\.tar$|^application\/vnd\.docker\.image\.rootfs\.diff\.tar$/, 'tar'],
  [/^application\/vnd\.(?:oci\.image\.layer\.v1|docker\.image\.rootfs\.diff)\.tar[.+]gzip$/, 'tar, gzip'],
  [/^application\/vnd\.(?:oci\.image\.layer\.v1|docker\.image\.rootfs\.diff)\.tar[.+]zstd$/, 'tar, zstd'],
]

/** What is usual has a short name; undefined for everything else. */
export function mediaTypeName(type: string): string | undefined {
  return TYPES.find(([pattern]) => pattern.test(type))?.[1]
}
