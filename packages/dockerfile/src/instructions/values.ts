import { DockerfileError } from '../dockerfile-error.ts'
import type { Statement } from '../lex/statement.ts'
import { readJsonStrings } from '../words/json-strings.ts'
import { splitAtSpaces } from '../words/spaces.ts'
import { Flags } from './flags.ts'
import type { ListInstruction, ValueInstruction } from './instruction.ts'
import { baseOf, requireArguments } from './statement-parts.ts'

const EXAMPLES = {
  WORKDIR: 'a directory',
  USER: 'a user, such as USER 1000 or USER name:group',
  STOPSIGNAL: 'a signal, such as SIGTERM',
  MAINTAINER: 'a name',
} as const

/** WORKDIR, USER, STOPSIGNAL and MAINTAINER: all that follows is one value. */
export function parseValue(statement: Statement, name: ValueInstruction['name']): ValueInstruction {
  Flags.read(statement, {})
  requireArguments(statement, EXAMPLES[name])
  return { ...baseOf(statement), name, value: statement.args.word() }
}

/** `VOLUME PATH ...` or `VOLUME ["PATH", ...]`. Throws ARGUMENT_MISSING, ARGUMENT_INVALID. */
export function parseVolume(statement: Statement): ListInstruction {
  Flags.read(statement, {})
  requireArguments(statement, 'a directory')
  const { range } = statement.args
  const list = readJsonStrings(statement.args)?.map((text) => ({ text: text.trim(), range }))
  const values = list ?? splitAtSpaces(statement.args).map((span) => span.word())
  if (values.length === 0) throw new DockerfileError('ARGUMENT_MISSING', 'VOLUME needs a directory', range)
  const empty = values.find(({ text }) => text === '')
  if (empty !== undefined) throw new DockerfileError('ARGUMENT_INVALID', 'a volume has an empty path', empty.range)
  return { ...baseOf(statement), name: 'VOLUME', values }
}

/** `EXPOSE PORT[/PROTOCOL] ...` */
export function parseExpose(statement: Statement): ListInstruction {
  Flags.read(statement, {})
  requireArguments(statement, 'a port, such as EXPOSE 80/tcp')
  const values = splitAtSpaces(statement.args).map((span) => span.word())
  return { ...baseOf(statement), name: 'EXPOSE', values }
}
