import type { Dockerfile, Stage } from '../dockerfile.ts'
import { shown } from '../dockerfile-error.ts'
import type { Instruction } from '../instructions/instruction.ts'
import type { Word } from '../lex/position.ts'
import type { Finding } from './finding.ts'

export function checkInstructions({ globalArgs, stages }: Dockerfile): Finding[] {
  const instructions = stages.flatMap((stage) => stage.instructions)
  return [
    ...[...globalArgs, ...instructions].flatMap(secretNames),
    ...instructions.flatMap(outdatedForms),
    ...stages.flatMap(repeated),
  ]
}

const SECRET_WORDS: ReadonlySet<string> = new Set(
  'apikey auth credential credentials key password pword passwd secret token'.split(' '),
)
const HARMLESS_WORDS: ReadonlySet<string> = new Set(['public', 'file', 'version'])

function secretNames(instruction: Instruction): Finding[] {
  return keysOf(instruction)
    .filter(({ text }) => isSecretName(text))
    .map(({ text, range }) => ({
      rule: 'SecretsUsedInArgOrEnv',
      message: `${instruction.name} ${shown(text)} reads like a secret`,
      range,
    }))
}

function keysOf(instruction: Instruction): Word[] {
  if (instruction.name === 'ARG') return instruction.args.map(({ key }) => key)
  return instruction.name === 'ENV' ? instruction.pairs.map(({ key }) => key) : []
}

function isSecretName(name: string): boolean {
  const words = name.toLowerCase().split('_')
  return words.some((word) => SECRET_WORDS.has(word)) && !words.some((word) => HARMLESS_WORDS.has(word))
}

function outdatedForms(instruction: Instruction): Finding[] {
  const { range } = instruction.keyword
  switch (instruction.name) {
    case 'MAINTAINER':
      return [{ rule: 'MaintainerDeprecated', message: 'MAINTAINER is deprecated', range }]
    case 'ENV':
    case 'LABEL': {
      if (!instruction.isLegacy) return []
      const message = `${instruction.name} is written without "="`
      return [{ rule: 'LegacyKeyValueFormat', message, range }]
    }
    default:
      return []
  }
}

/** Each but the last is told: it is the one without effect. */
function repeated({ instructions }: Stage): Finding[] {
  return (['CMD', 'ENTRYPOINT', 'HEALTHCHECK'] as const).flatMap((name) => {
    const all = instructions.filter((instruction) => instruction.name === name)
    return all.slice(0, -1).map(({ keyword: { range } }) => ({
      rule: 'MultipleInstructionsDisallowed' as const,
      message: `another ${name} follows in the same stage`,
      range,
    }))
  })
}
