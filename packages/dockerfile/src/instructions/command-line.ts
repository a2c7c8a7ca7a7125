import type { Span } from '../lex/span.ts'
import type { Statement } from '../lex/statement.ts'
import { looksLikeJson, readJsonStrings } from '../words/json-strings.ts'
import { Flags } from './flags.ts'
import type { CommandInstruction, CommandLine, ShellInstruction } from './instruction.ts'
import { baseOf, missing, requireArguments } from './statement-parts.ts'

/** The exec form where it is JSON, else the shell form. Throws ARGUMENT_INVALID. */
export function readCommandLine(args: Span): CommandLine {
  const { range: commandRange } = args
  const list = readJsonStrings(args)
  if (list !== undefined) return { command: { form: 'exec', args: list }, commandRange, isBrokenJson: false }
  return { command: { form: 'shell', line: args.text }, commandRange, isBrokenJson: looksLikeJson(args) }
}

/** CMD and ENTRYPOINT: `[]` takes away what the base image has. */
export function parseCommand(statement: Statement, name: CommandInstruction['name']): CommandInstruction {
  Flags.read(statement, {})
  requireArguments(statement, `a command; ${name} [] takes the base image's away`)
  return { ...baseOf(statement), name, ...readCommandLine(statement.args) }
}

/** `SHELL ["program", "argument", ...]` */
export function parseShell(statement: Statement): ShellInstruction {
  Flags.read(statement, {})
  const shell = readJsonStrings(statement.args)
  if (shell === undefined || shell.length === 0) {
    throw missing(statement, 'a program in JSON form, such as SHELL ["/bin/sh", "-c"]')
  }
  return { ...baseOf(statement), name: 'SHELL', shell }
}
