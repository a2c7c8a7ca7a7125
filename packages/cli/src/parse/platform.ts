import type { Partially } from '@caisson/api'
import type { Platform } from '@caisson/api/common'
import { refuse } from './refusal.ts'

/** OS/ARCHITECTURE[/VARIANT], or the architecture alone. */
export function parsePlatform(value: string): Partially<Platform> {
  const parts = value.split('/')
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9_.]+$/.test(part)))
    throw refuse('--platform', value, 'is not a platform: write it as linux/amd64 or linux/arm64/v8')
  const [first = '', second, variant = ''] = parts
  return second === undefined ? { os: 'linux', architecture: first } : { os: first, architecture: second, variant }
}
