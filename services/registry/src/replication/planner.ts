import type { EventPage, RegistryEvent } from '../follow/ports.ts'
import type { IsMirrored } from './ports.ts'
import { isCopied, isCopiedTag, type Rule } from './rule.ts'
import type { Rules } from './rules.ts'
import type { TaskBoard } from './task-board.ts'

export interface PlannerDeps {
  readonly rules: Pick<Rules, 'list'>
  readonly board: Pick<TaskBoard, 'add'>
  readonly isMirrored: IsMirrored
}

const CHANGES: ReadonlySet<string> = new Set(['manifest.pushed', 'manifest.deleted', 'tag.deleted'])

/** Makes of what happened what is to be done. */
export class Planner {
  readonly #deps: PlannerDeps

  constructor(deps: PlannerDeps) {
    this.#deps = deps
  }

  /**
   * Adds tasks for the events of a page. The rules are read behind the events: one that is newer than an event begins with
   * a sync that finds what the event tells of. True: there is something to do.
   */
  async plan({ events, missed }: EventPage): Promise<boolean> {
    if (missed === undefined && !events.some(({ type }) => CHANGES.has(type))) return false
    const rules = await this.#deps.rules.list()
    if (missed !== undefined) await this.syncAll(rules)
    let isBusy = missed !== undefined && rules.length > 0
    for (const rule of rules)
      for (const [repository, references] of referencesIn(events, rule)) {
        if (await this.#deps.isMirrored(repository)) continue
        await this.#deps.board.add({ uid: rule.uid, repository }, { references })
        isBusy = true
      }
    return isBusy
  }

  async syncAll(rules: readonly Rule[]): Promise<void> {
    for (const rule of rules) await this.sync(rule)
  }

  /** All that is here is gone through. */
  async sync({ uid }: Rule): Promise<void> {
    await this.#deps.board.add({ uid, repository: '' }, { all: true })
  }
}

/** Tags and digests that events are about, by repository. */
function referencesIn(events: readonly RegistryEvent[], rule: Rule): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const event of events) {
    const references = isCopied(rule, event.repository) ? referencesOf(event, rule) : []
    if (references.length === 0) continue
    const known = found.get(event.repository) ?? new Set()
    for (const reference of references) known.add(reference)
    found.set(event.repository, known)
  }
  return found
}

function referencesOf({ type, attributes }: RegistryEvent, rule: Rule): string[] {
  const { digest = '', tag = '', tags = '' } = attributes
  if (type === 'manifest.pushed')
    return tags === '' ? [digest] : tags.split(',').filter((one) => isCopiedTag(rule, one))
  if (!rule.deletes) return []
  if (type === 'tag.deleted') return isCopiedTag(rule, tag) ? [tag] : []
  return type === 'manifest.deleted' ? [digest] : []
}
