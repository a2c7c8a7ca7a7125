import type { Heredoc } from '../heredoc/heredoc.ts'
import { heredocText } from '../heredoc/heredoc.ts'
import type { RunInstruction } from '../instructions/instruction.ts'
import { mountError } from '../instructions/mount.ts'
import { resolveMount } from '../instructions/resolve-mount.ts'
import type { StageEvaluator } from './evaluate-stage.ts'
import type { Effect, RunCommand } from './resolved.ts'

const MOST_MOUNTS = 200

export function runEffect(instruction: RunInstruction, stage: StageEvaluator): Effect {
  const { mounts, network = 'default', security = 'sandbox' } = instruction
  const tooMany = mounts[MOST_MOUNTS]
  if (tooMany !== undefined) throw mountError(tooMany, `RUN has more than ${MOST_MOUNTS}`)
  return {
    name: 'RUN',
    command: commandOf(instruction, stage),
    mounts: mounts.map((mount) =>
      resolveMount(mount, (text) => stage.text({ text, range: mount.range }), stage.workingDir),
    ),
    network,
    security,
    env: stage.variables.pairs(),
    workingDir: stage.workingDir,
  }
}

/**
 * A command that is nothing but a heredoc is that document: as a program where it begins with `#!`, else as a script for
 * the shell. Otherwise the shell gets the line and the documents after it, and reads the heredocs itself.
 */
function commandOf({ command, heredocs }: RunInstruction, stage: StageEvaluator): RunCommand {
  const [heredoc, ...more] = heredocs
  if (heredoc === undefined || command.form === 'exec') return { kind: 'exec', args: stage.commandArgs(command) }
  if (more.length === 0 && isAlone(command.line)) return documentCommand(heredoc, stage)
  const documents = heredocs.map(({ content, name }) => `${content}${name}`)
  const line = [command.line, ...documents].join('\n')
  return { kind: 'exec', args: [...stage.shell, line] }
}

/** `<<NAME` and nothing else. */
function isAlone(line: string): boolean {
  return /^[0-9]*<<-?\s*(?:[^\s'"]+|'[^']*'|"[^"]*")$/.test(line)
}

function documentCommand(heredoc: Heredoc, stage: StageEvaluator): RunCommand {
  const content = heredocText(heredoc)
  if (content.startsWith('#!')) return { kind: 'file', name: heredoc.name, content }
  return { kind: 'exec', args: [...stage.shell, content] }
}
