/** What webhooks may be told of. */
export const EVENT_TYPES = [
  'manifest.pushed',
  'manifest.pulled',
  'manifest.deleted',
  'tag.deleted',
  'repository.deleted',
  'blob.pushed',
] as const

export type EventType = (typeof EVENT_TYPES)[number]

/** Of those who do not choose: what changes what others would pull. */
export const USUAL_EVENTS: readonly EventType[] = [
  'manifest.pushed',
  'manifest.deleted',
  'tag.deleted',
  'repository.deleted',
]
