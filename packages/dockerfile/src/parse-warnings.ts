import type { ParseWarning } from './dockerfile.ts'
import type { CommandLine, FromInstruction, Instruction } from './instructions/instruction.ts'
import type { Range } from './lex/position.ts'

export function emptyLineWarning(range: Range): ParseWarning {
  return { rule: 'NoEmptyContinuation', message: 'a blank line stands inside of an instruction', range }
}

/** For a command that begins like JSON and is none: the shell will get it as it is. */
export function brokenJsonWarning(instruction: FromInstruction | Instruction): ParseWarning[] {
  const line = commandOf(instruction)
  if (line?.isBrokenJson !== true) return []
  const message = 'this begins like a JSON list but is none, so the shell gets it as it stands'
  return [{ rule: 'MalformedExecForm', message, range: line.commandRange }]
}

function commandOf(instruction: FromInstruction | Instruction): CommandLine | undefined {
  switch (instruction.name) {
    case 'RUN':
    case 'CMD':
    case 'ENTRYPOINT':
      return instruction
    case 'HEALTHCHECK':
      return instruction.check
    case 'ONBUILD':
      return commandOf(instruction.trigger)
    default:
      return undefined
  }
}
