/** A directory that outlives containers, as its record has it. */
export interface Volume {
  readonly name: string
  readonly driver: VolumeDriver
  /** As they were asked for. */
  readonly options: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** Nanoseconds by the host's clock. */
  readonly createdNs: bigint
  /** It was made without a name of its own. */
  readonly anonymous: boolean
  /** Id of the container it was made for; '': none. */
  readonly madeFor: string
  /** Most bytes it may hold. 0: no limit. */
  readonly quotaBytes: number
  /** Of its top directory, by the ids of containers. Undefined: what the image has there, or root. */
  readonly owner?: Owner
  /** Permissions of its top directory. Undefined: what the image has there, or 0755. */
  readonly mode?: number
}

export type VolumeDriver = 'local' | 'tmpfs'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** What a volume is to be like. */
export type VolumeDraft = Omit<Volume, 'createdNs' | 'anonymous'>

/** A container that uses a volume. */
export interface VolumeUse {
  readonly containerId: string
  readonly readOnly: boolean
}
