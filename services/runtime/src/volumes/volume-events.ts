import type { EventLog } from '@caisson/service-kit'
import type { Volume } from './volume.ts'

/** What happened to volumes. Called inside the transaction that changes them. */
export class VolumeEvents {
  readonly #log: EventLog

  constructor(log: EventLog) {
    this.#log = log
  }

  created(volume: Volume, requestId: string): void {
    this.#append('created', volume, {}, { requestId })
  }

  /** A container was started with it. */
  mounted(volume: Volume, container: string, target: string, readOnly: boolean): void {
    this.#append('mounted', volume, { container, target, read_only: String(readOnly) })
  }

  removed(volume: Volume): void {
    this.#append('removed', volume, {}, { final: true })
  }

  #append(
    verb: string,
    { name, driver, labels }: Volume,
    attributes: Record<string, string>,
    extra: { requestId?: string; final?: boolean } = {},
  ): void {
    this.#log.append({
      type: `volume.${verb}`,
      subject: { kind: 'volume', id: name, name, labels },
      attributes: { driver, ...attributes },
      ...extra,
    })
  }
}
