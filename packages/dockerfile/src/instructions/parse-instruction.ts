import { DockerfileError, shown } from '../dockerfile-error.ts'
import type { Statement } from '../lex/statement.ts'
import { didYouMean } from '../suggest.ts'
import { parseArg } from './arg.ts'
import { parseCommand, parseShell } from './command-line.ts'
import { parseAdd, parseCopy } from './copy.ts'
import { parseFrom } from './from.ts'
import { parseHealthcheck } from './healthcheck.ts'
import type { FromInstruction, Instruction } from './instruction.ts'
import { INSTRUCTION_NAMES, type InstructionName } from './instruction-names.ts'
import { parseKeyValues } from './key-values.ts'
import { parseOnbuild } from './onbuild.ts'
import { parseRun } from './run.ts'
import { parseUnset } from './unset.ts'
import { parseExpose, parseValue, parseVolume } from './values.ts'

type Parser = (statement: Statement, escapeChar: string) => Instruction

const PARSERS: Readonly<Record<Exclude<InstructionName, 'FROM'>, Parser>> = {
  ADD: parseAdd,
  ARG: parseArg,
  CMD: (statement) => parseCommand(statement, 'CMD'),
  COPY: parseCopy,
  ENTRYPOINT: (statement) => parseCommand(statement, 'ENTRYPOINT'),
  ENV: (statement, escapeChar) => parseKeyValues(statement, escapeChar, 'ENV'),
  EXPOSE: parseExpose,
  HEALTHCHECK: parseHealthcheck,
  LABEL: (statement, escapeChar) => parseKeyValues(statement, escapeChar, 'LABEL'),
  MAINTAINER: (statement) => parseValue(statement, 'MAINTAINER'),
  ONBUILD: (statement, escapeChar) => parseOnbuild(statement, (trigger) => parseStageInstruction(trigger, escapeChar)),
  RUN: parseRun,
  SHELL: parseShell,
  STOPSIGNAL: (statement) => parseValue(statement, 'STOPSIGNAL'),
  UNSET: parseUnset,
  USER: (statement) => parseValue(statement, 'USER'),
  VOLUME: parseVolume,
  WORKDIR: (statement) => parseValue(statement, 'WORKDIR'),
}

/** Reads one instruction. Throws UNKNOWN_INSTRUCTION, and what the instruction throws. */
export function parseInstruction(statement: Statement, escapeChar: string): FromInstruction | Instruction {
  if (statement.keyword.text.toUpperCase() === 'FROM') return parseFrom(statement)
  return parseStageInstruction(statement, escapeChar)
}

function parseStageInstruction(statement: Statement, escapeChar: string): Instruction {
  const name = statement.keyword.text.toUpperCase()
  const parser = isName(name) ? PARSERS[name] : undefined
  if (parser === undefined) throw unknownInstruction(statement)
  return parser(statement, escapeChar)
}

function isName(name: string): name is keyof typeof PARSERS {
  return Object.hasOwn(PARSERS, name)
}

function unknownInstruction(statement: Statement): DockerfileError {
  const { text, range } = statement.keyword
  const hint = didYouMean(text, INSTRUCTION_NAMES)
  return new DockerfileError('UNKNOWN_INSTRUCTION', `${shown(text)} is no instruction${hint}`, range)
}
