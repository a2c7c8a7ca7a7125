import { invalid } from '@caisson/api'
import { hostPlatform, normalPlatform, type Platform, platformFit } from '@caisson/oci'

/** A platform as a caller writes it. */
export interface PlatformRequest {
  readonly os: string
  readonly architecture: string
  readonly variant: string
}

/** A platform that a caller asks for; what it leaves open is the host's. Undefined: it says nothing. */
export function wantedPlatform(asked: PlatformRequest | undefined): Platform | undefined {
  if (!asked || (asked.os === '' && asked.architecture === '' && asked.variant === '')) return undefined
  for (const part of [asked.os, asked.architecture, asked.variant])
    if (!/^[A-Za-z0-9_.-]{0,64}$/.test(part))
      throw invalid(`${JSON.stringify(part.slice(0, 80))} is not a part of a platform`, { reason: 'INVALID_PLATFORM' })
  const host = hostPlatform()
  return normalPlatform({
    os: asked.os || host.os,
    architecture: asked.architecture || host.architecture,
    ...(asked.variant === '' ? {} : { variant: asked.variant }),
  })
}

/** What runs best on a platform, or undefined when nothing does. */
export function bestFit<T extends { readonly platform: Platform }>(
  offers: readonly T[],
  wanted: Platform,
): T | undefined {
  let best: { offer: T; fit: number } | undefined
  for (const offer of offers) {
    const fit = platformFit(wanted, offer.platform)
    if (fit !== undefined && (best === undefined || fit > best.fit)) best = { offer, fit }
  }
  return best?.offer
}
