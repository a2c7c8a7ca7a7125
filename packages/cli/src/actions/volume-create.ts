import { randomUUID } from 'node:crypto'
import { Volume } from '@caisson/api/volume'
import { parseSize } from '../parse/numbers.ts'
import { parsePairs } from '../parse/pairs.ts'
import { refuse } from '../parse/refusal.ts'
import type { Action } from '../spec.ts'

/** Makes a volume and prints its name. */
export const volumeCreate: Action = async ({ engine, out, signal }, [name = ''], options) => {
  const made = await (await engine.volumes()).create(
    {
      name,
      driver: options.text('driver') ?? '',
      options: parsePairs('--opt', options.list('opt'), 'value needed'),
      labels: parsePairs('--label', options.list('label'), 'bare names allowed'),
      owner: options.text('owner') ?? '',
      mode: options.parsed('mode', parseMode) ?? 0,
      quotaBytes: options.parsed('quota', (value) => parseSize('--quota', value)) ?? 0,
      requestId: randomUUID(),
    },
    { signal },
  )
  if (out.json) out.document(Volume.toJSON(made))
  else out.line(made.name)
  return 0
}

function parseMode(value: string): number {
  if (!/^[0-7]{1,4}$/.test(value)) throw refuse('--mode', value, 'is not a mode: write it as 750')
  return Number.parseInt(value, 8)
}
