import type { Dockerfile, Stage } from '../dockerfile.ts'
import { shown } from '../dockerfile-error.ts'
import type { Word } from '../lex/position.ts'
import type { Finding } from './finding.ts'

export function checkCasing(dockerfile: Dockerfile): Finding[] {
  return [...instructionCasing(dockerfile.stages), ...dockerfile.stages.flatMap(fromCasing)]
}

/** All keywords follow the majority; on a draw they are capitals. */
function instructionCasing(stages: readonly Stage[]): Finding[] {
  const keywords = stages.flatMap(({ from, instructions }) => [from.keyword, ...instructions.map((one) => one.keyword)])
  const lower = keywords.filter(({ text }) => isLower(text)).length
  const upper = keywords.filter(({ text }) => isUpper(text)).length
  const [isGood, rule] = lower > upper ? [isLower, 'small letters'] : [isUpper, 'capitals']
  return keywords
    .filter(({ text }) => !isGood(text))
    .map(({ text, range }) => ({
      rule: 'ConsistentInstructionCasing',
      message: `${shown(text)} is not written in ${rule}, as most instructions are`,
      range,
    }))
}

function fromCasing({ from }: Stage): Finding[] {
  const findings: Finding[] = []
  const { keyword, as, stageName } = from
  if (as !== undefined && !hasCaseOf(as, keyword)) {
    const message = `${shown(as.text)} is not written as ${shown(keyword.text)} is`
    findings.push({ rule: 'FromAsCasing', message, range: as.range })
  }
  if (stageName !== undefined && !isLower(stageName.text)) {
    const message = `the stage ${shown(stageName.text)} is not named in small letters`
    findings.push({ rule: 'StageNameCasing', message, range: stageName.range })
  }
  return findings
}

/** Where the keyword mixes both, nothing can be said. */
function hasCaseOf(as: Word, keyword: Word): boolean {
  if (isLower(keyword.text)) return isLower(as.text)
  return isUpper(keyword.text) ? isUpper(as.text) : true
}

const isLower = (text: string): boolean => text === text.toLowerCase()
const isUpper = (text: string): boolean => text === text.toUpperCase()
