import type { Dockerfile } from '../dockerfile.ts'
import { shown } from '../dockerfile-error.ts'
import type { Finding } from './finding.ts'

const RESERVED: ReadonlySet<string> = new Set(['scratch', 'context'])

export function checkStageNames({ stages }: Dockerfile): Finding[] {
  const seen = new Set<string>()
  const findings: Finding[] = []
  for (const { name, from } of stages) {
    const range = from.stageName?.range
    if (name === undefined || range === undefined) continue
    if (RESERVED.has(name)) {
      findings.push({
        rule: 'ReservedStageName',
        message: `the name ${shown(name)} means something else already`,
        range,
      })
    }
    if (seen.has(name)) {
      findings.push({
        rule: 'DuplicateStageName',
        message: `the name ${shown(name)} is another stage's already`,
        range,
      })
    }
    seen.add(name)
  }
  return findings
}
