import type { VolumeDriver } from '../volumes/volume.ts'
import { dictionary, shown, wrong } from './checks.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/

/** Name of a volume: it becomes the name of a directory. */
export function volumeName(field: string, value: string): string {
  if (!NAME.test(value))
    throw wrong(field, `${shown(value)} is no name: letters, digits, and _.- inside, at most 128 of them`)
  return value
}

export function driverIn(field: string, driver: string): VolumeDriver {
  if (driver === '' || driver === 'local') return 'local'
  if (driver === 'tmpfs') return 'tmpfs'
  throw wrong(field, `${shown(driver)} is no driver of volumes: there are local and tmpfs`)
}

export function optionsOfDriver(
  field: string,
  options: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  if (Object.keys(options).length > 32) throw wrong(field, 'more than 32 options are too many')
  return dictionary(field, options)
}
