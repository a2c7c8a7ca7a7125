import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { invalid, type Layout } from '@caisson/api'
import { z } from 'zod'

/** What every service can be told. */
export const baseConfig = z.strictObject({
  /** trace, debug, info, warn, error. */
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  /** Name of the host in events. Empty: the kernel's. */
  hostName: z.string().default(''),
  /** Milliseconds that calls in flight get when the service stops. */
  stopGraceMs: z.int().min(0).default(5_000),
  /** Events that the log keeps. */
  eventRetention: z.int().min(1_000).default(100_000),
})

/**
 * Reads DIR/etc/<service>.json and checks it against the service's schema; a missing file is an empty one. A wrong or
 * unknown key is an error that names the file and the key.
 */
export function loadConfig<S extends z.ZodType>(service: string, schema: S, layout: Layout): z.infer<S> {
  const file = join(layout.configDir, `${service}.json`)
  const parsed = schema.safeParse(readJson(file))
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`)
  throw invalid(`${file}: ${problems.join('; ')}`, { reason: 'INVALID_CONFIG', details: { file } })
}

function readJson(file: string): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw error
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid(`${file} is not JSON: ${String(cause)}`, { reason: 'INVALID_CONFIG', cause })
  }
}
