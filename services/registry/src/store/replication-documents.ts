import { z } from 'zod'
import { parsePattern } from '../access/pattern.ts'
import type { Rule } from '../replication/rule.ts'
import type { Task } from '../replication/task.ts'

const ruleDocument = z.object({
  uid: z.string(),
  repositories: z.array(z.string()),
  tags: z.string(),
  targetUrl: z.string(),
  prefix: z.string(),
  username: z.string(),
  password: z.string(),
  deletes: z.boolean(),
  insecure: z.boolean(),
})

/** A replication, by its name. */
export function ruleOfDocument(name: string, value: unknown): Rule {
  const { repositories, ...rest } = ruleDocument.parse(value)
  return { name, repositories: repositories.map(parsePattern), ...rest }
}

export const documentOfRule = ({ name: _, repositories, ...rest }: Rule): unknown => ({
  ...rest,
  repositories: repositories.map(({ text }) => text),
})

const taskDocument = z.object({
  references: z.record(z.string(), z.string()),
  after: z.string().optional(),
  failures: z.number(),
  notBefore: z.number(),
  error: z.string(),
  lease: z.object({ holder: z.string(), until: z.number() }).optional(),
})

/** What is to be copied of a repository. */
export const taskOfDocument = (value: unknown): Task => taskDocument.parse(value)
