import { exhausted, notFound } from '@caisson/api'
import type { Documents } from '../backend/ports.ts'
import { checkRuleName } from '../follow/rule-name.ts'
import { documentOfRule, ruleOfDocument } from '../store/replication-documents.ts'
import { type Rule, type RuleDraft, ruleOf } from './rule.ts'

const COLLECTION = 'replications'
const MOST = 100

/** Rules, kept in the documents of the backend: all processes of a pool know the same. */
export class Rules {
  readonly #documents: Documents

  constructor(documents: Documents) {
    this.#documents = documents
  }

  /** By name. */
  async list(): Promise<Rule[]> {
    const found = await this.#documents.list(COLLECTION, { limit: MOST })
    return found.map(({ key, value }) => ruleOfDocument(key, value))
  }

  /** Throws REPLICATION_NOT_FOUND. */
  async find(name: string): Promise<Rule> {
    const found = await this.#documents.get(COLLECTION, name)
    if (found === undefined) throw notFound('replication', name)
    return ruleOfDocument(name, found.value)
  }

  /** Throws INVALID, REPLICATIONS_TOO_MANY, DOCUMENT_CHANGED. */
  async set(draft: RuleDraft): Promise<Rule> {
    const name = checkRuleName(draft.name)
    const found = await this.#documents.get(COLLECTION, name)
    if (found === undefined && (await this.list()).length >= MOST)
      throw exhausted('REPLICATIONS_TOO_MANY', `there are ${MOST} replications, which is the limit: remove one`)
    const rule = ruleOf(draft, found && ruleOfDocument(name, found.value))
    const expected = found === undefined ? 'absent' : { version: found.version }
    await this.#documents.put(COLLECTION, name, documentOfRule(rule), expected)
    return rule
  }

  /** Throws REPLICATION_NOT_FOUND. */
  async delete(name: string): Promise<Rule> {
    const rule = await this.find(name)
    if (!(await this.#documents.delete(COLLECTION, name, 'any'))) throw notFound('replication', name)
    return rule
  }
}
