import type { ControllerHome } from './placement.ts'

/** One value to write into a file of a control group. */
export interface CgroupWrite {
  readonly path: string
  readonly value: string
  /** A kernel without the file or the feature is no error. */
  readonly isOptional: boolean
}

/** Collects the writes of one directory, in the order in which they have to happen. */
export class WriteList {
  readonly writes: CgroupWrite[] = []
  readonly #directory: string

  constructor(home: ControllerHome) {
    this.#directory = home.directory
  }

  /** Nothing when the value is undefined. */
  set(file: string, value: number | string | undefined): this {
    if (value !== undefined) this.writes.push(this.#write(file, value, false))
    return this
  }

  try(file: string, value: number | string | undefined): this {
    if (value !== undefined) this.writes.push(this.#write(file, value, true))
    return this
  }

  #write(file: string, value: number | string, isOptional: boolean): CgroupWrite {
    return { path: `${this.#directory}/${file}`, value: String(value), isOptional }
  }
}

/** Zero and undefined both mean that nothing was asked for. */
export const asked = (value: number | undefined): number | undefined => (value === 0 ? undefined : value)
