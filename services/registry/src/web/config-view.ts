import { parseJson } from '@caisson/oci'
import {
  type Entry,
  looseEntries,
  looseList,
  looseMember,
  looseObject,
  looseText,
  looseTexts,
  looseTime,
} from './loose.ts'
import { platformName } from './manifest-view.ts'

/** The config of an image as far as a page shows it. All texts are its author's. */
export interface ConfigView {
  readonly platform: string
  readonly author: string
  readonly created?: number
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  readonly user: string
  readonly workingDir: string
  /** Names alone: values are where secrets are. */
  readonly variables: readonly string[]
  readonly ports: readonly string[]
  readonly volumes: readonly string[]
  readonly stopSignal: string
  readonly labels: readonly Entry[]
  /** The lowest first. */
  readonly history: readonly HistoryStep[]
}

export interface HistoryStep {
  readonly createdBy: string
  readonly comment: string
  readonly created?: number
  readonly hasLayer: boolean
}

/** Larger ones are no configs of images that somebody made by hand or by a build. */
export const MOST_CONFIG_BYTES = 4 << 20

/** Throws what parseJson throws. */
export function viewConfig(bytes: Uint8Array): ConfigView {
  const json = looseObject(parseJson(bytes, { subject: 'config', maxBytes: MOST_CONFIG_BYTES }))
  const container = looseObject(looseMember(json, 'config'))
  const names = (member: string): string[] => Object.keys(looseObject(looseMember(container, member)))
  return {
    platform: platformName(json),
    author: looseText(json, 'author'),
    ...createdOf(looseText(json, 'created')),
    entrypoint: looseTexts(container, 'Entrypoint'),
    cmd: looseTexts(container, 'Cmd'),
    user: looseText(container, 'User'),
    workingDir: looseText(container, 'WorkingDir'),
    variables: looseTexts(container, 'Env').map((variable) => variable.split('=')[0] ?? ''),
    ports: names('ExposedPorts'),
    volumes: names('Volumes'),
    stopSignal: looseText(container, 'StopSignal'),
    labels: looseEntries(container, 'Labels'),
    history: looseList(json, 'history').map(step),
  }
}

function step(value: unknown): HistoryStep {
  const json = looseObject(value)
  return {
    createdBy: looseText(json, 'created_by'),
    comment: looseText(json, 'comment'),
    ...createdOf(looseText(json, 'created')),
    hasLayer: looseMember(json, 'empty_layer') !== true,
  }
}

/** Builds that can be repeated write 1970, or nothing: neither is a time. */
function createdOf(text: string): { readonly created?: number } {
  const at = looseTime(text)
  return at === undefined || at <= 0 ? {} : { created: at }
}
