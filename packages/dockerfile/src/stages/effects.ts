import { posix } from 'node:path'
import { DockerfileError, shown } from '../dockerfile-error.ts'
import type {
  ArgInstruction,
  HealthcheckInstruction,
  Instruction,
  KeyValuesInstruction,
  UnsetInstruction,
  ValueInstruction,
} from '../instructions/instruction.ts'
import { type ExposedPorts, listPorts, parseExposed } from '../instructions/ports.ts'
import { isSignal } from '../instructions/signals.ts'
import type { Word } from '../lex/position.ts'
import { MAX_PORTS } from '../limits.ts'
import { addEffect, copyEffect } from './copy-effect.ts'
import type { StageEvaluator } from './evaluate-stage.ts'
import type { Effect, Pair } from './resolved.ts'
import { runEffect } from './run-effect.ts'

/** What an instruction comes to where it stands; the evaluator's state is moved on. */
export function effectOf(instruction: Instruction, stage: StageEvaluator): Effect {
  switch (instruction.name) {
    case 'ARG':
      return argEffect(instruction, stage)
    case 'ENV':
    case 'LABEL':
      return pairsEffect(instruction, stage)
    case 'RUN':
      return runEffect(instruction, stage)
    case 'COPY':
      return copyEffect(instruction, stage)
    case 'ADD':
      return addEffect(instruction, stage)
    case 'CMD':
    case 'ENTRYPOINT':
      return { name: instruction.name, args: stage.commandArgs(instruction.command) }
    case 'SHELL':
      stage.shell = instruction.shell
      return { name: 'SHELL', args: instruction.shell }
    case 'WORKDIR':
    case 'USER':
    case 'STOPSIGNAL':
    case 'MAINTAINER':
      return valueEffect(instruction, stage)
    case 'VOLUME':
      return { name: 'VOLUME', paths: instruction.values.map((word) => volumePath(word, stage)) }
    case 'EXPOSE':
      return { name: 'EXPOSE', ports: exposedPorts(instruction.values, stage) }
    case 'HEALTHCHECK':
      return healthcheckEffect(instruction)
    case 'ONBUILD':
      return { name: 'ONBUILD', expression: instruction.expression }
    case 'UNSET':
      return unsetEffect(instruction, stage)
  }
}

/** The build's argument, else the default, else what is global under the name. */
function argEffect(instruction: ArgInstruction, stage: StageEvaluator): Effect {
  const { buildArgs, globals } = stage.scope
  const args = instruction.args.map(({ key, value }): readonly [string, string | undefined] => {
    const name = nameOf(key, stage)
    const text = buildArgs.get(name) ?? (value === undefined ? globals.get(name) : stage.text(value))
    if (text === undefined) stage.variables.declare(name, key.range)
    else stage.variables.set(name, text, key.range)
    return [name, text]
  })
  return { name: 'ARG', args }
}

/** All values see what was before the instruction; only then are they set. */
function pairsEffect({ name, pairs }: KeyValuesInstruction, stage: StageEvaluator): Effect {
  const expanded = pairs.map(({ key, value }): Pair => [nameOf(key, stage), stage.text(value)])
  if (name === 'ENV') {
    for (const [n, [variable, value]] of expanded.entries()) {
      stage.variables.set(variable, value, pairs[n]?.key.range ?? { start: origin, end: origin })
    }
  }
  return { name, pairs: expanded }
}

const origin = { line: 1, column: 1 }

function nameOf(word: Word, stage: StageEvaluator): string {
  const name = stage.text(word)
  if (name !== '' && !name.includes('=')) return name
  throw new DockerfileError('ARGUMENT_INVALID', `${shown(word.text)} comes to no name`, word.range)
}

function valueEffect({ name, value }: ValueInstruction, stage: StageEvaluator): Effect {
  if (name === 'MAINTAINER') return { name, value: value.text }
  const text = stage.text(value)
  if (name === 'WORKDIR') {
    stage.workingDir = posix.resolve('/', stage.workingDir, text)
    return { name, value: stage.workingDir, wasRelative: !text.startsWith('/') }
  }
  if (text === '') throw new DockerfileError('ARGUMENT_INVALID', `${name} comes to nothing`, value.range)
  if (name === 'STOPSIGNAL' && !isSignal(text)) {
    const message = `${shown(text)} is no signal; write one such as SIGTERM or 15`
    throw new DockerfileError('ARGUMENT_INVALID', message, value.range)
  }
  return { name, value: text }
}

function volumePath(word: Word, stage: StageEvaluator): string {
  const path = stage.text(word).trim()
  if (path !== '') return path
  throw new DockerfileError('ARGUMENT_INVALID', `the volume ${shown(word.text)} comes to an empty path`, word.range)
}

/** A word may come to several: `EXPOSE $PORTS`. */
function exposedPorts(values: readonly Word[], stage: StageEvaluator): ExposedPorts[] {
  let count = 0
  return values.flatMap((word) =>
    stage.expand(word).words.map((text) => {
      const ports = readPorts(text, word)
      count += ports.last - ports.first + 1
      if (count <= MAX_PORTS) return ports
      throw new DockerfileError('TOO_LARGE', `more than ${MAX_PORTS} ports are exposed`, word.range)
    }),
  )
}

function readPorts(text: string, word: Word): ExposedPorts {
  const ports = parseExposed(text)
  if (ports !== undefined) return ports
  const message = `${shown(text)} is no port; write one such as 80, 53/udp or 8000-8010/tcp`
  throw new DockerfileError('ARGUMENT_INVALID', message, word.range)
}

function healthcheckEffect({ check }: HealthcheckInstruction): Effect {
  if (check === undefined) return { name: 'HEALTHCHECK', test: ['NONE'] }
  const { command, commandRange: _range, isBrokenJson: _broken, ...times } = check
  const test = command.form === 'exec' ? ['CMD', ...command.args] : ['CMD-SHELL', command.line]
  return { name: 'HEALTHCHECK', test, ...times }
}

function unsetEffect({ kind, names }: UnsetInstruction, stage: StageEvaluator): Effect {
  if (kind === 'EXPOSE') return { name: 'UNSET', kind, names: exposedPorts(names, stage).flatMap(listPorts) }
  const texts = names.map((word) => stage.text(word))
  if (kind === 'ENV') for (const name of texts) stage.variables.remove(name)
  return { name: 'UNSET', kind, names: texts }
}
