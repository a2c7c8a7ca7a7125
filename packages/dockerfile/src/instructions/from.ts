import { DockerfileError, shown } from '../dockerfile-error.ts'
import type { Statement } from '../lex/statement.ts'
import { splitAtSpaces } from '../words/spaces.ts'
import { Flags } from './flags.ts'
import type { FromInstruction } from './instruction.ts'
import { baseOf, missing } from './statement-parts.ts'

const STAGE_NAME = /^[a-z][a-z0-9_.-]*$/

/** `FROM [--platform=P] IMAGE [AS NAME]`. Throws ARGUMENT_MISSING, ARGUMENT_UNEXPECTED, STAGE_NAME_INVALID. */
export function parseFrom(statement: Statement): FromInstruction {
  const flags = Flags.read(statement, { platform: 'value' })
  const [base, as, stageName, ...more] = splitAtSpaces(statement.args)
  if (base === undefined) throw missing(statement, 'an image, "scratch" or the name of an earlier stage')
  const platform = flags.value('platform')
  const common = {
    ...baseOf(statement),
    name: 'FROM' as const,
    base: base.word(),
    ...(platform !== undefined && { platform }),
  }
  if (as === undefined) return common
  const isNamed = as.text.toUpperCase() === 'AS' && stageName !== undefined && more.length === 0
  if (!isNamed) throw unexpected(as.slice(0))
  if (!STAGE_NAME.test(stageName.text.toLowerCase())) throw badName(stageName)
  return { ...common, as: as.word(), stageName: stageName.word() }
}

function unexpected(span: { readonly range: FromInstruction['range']; readonly text: string }): DockerfileError {
  const message = `FROM is followed by an image, or by an image, AS and a name; ${shown(span.text)} is neither`
  return new DockerfileError('ARGUMENT_UNEXPECTED', message, span.range)
}

function badName(span: { readonly range: FromInstruction['range']; readonly text: string }): DockerfileError {
  const rule = 'begin with a letter, and go on with letters, digits, "-", "_" and "."'
  return new DockerfileError('STAGE_NAME_INVALID', `${shown(span.text)} is no name of a stage: ${rule}`, span.range)
}
