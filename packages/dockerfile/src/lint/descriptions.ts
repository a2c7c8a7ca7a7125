import type { Dockerfile } from '../dockerfile.ts'
import type { ArgInstruction, FromInstruction } from '../instructions/instruction.ts'
import type { Finding } from './finding.ts'

/** A comment right above FROM or ARG describes what is defined, and so begins with its name. */
export function checkDescriptions({ globalArgs, stages }: Dockerfile): Finding[] {
  const instructions = stages.flatMap((stage) => [stage.from, ...stage.instructions])
  return [...globalArgs, ...instructions].flatMap((instruction) => {
    if (instruction.name !== 'FROM' && instruction.name !== 'ARG') return []
    return describe(instruction, namesOf(instruction))
  })
}

function namesOf(instruction: FromInstruction | ArgInstruction): string[] {
  if (instruction.name === 'ARG') return instruction.args.map(({ key }) => key.text)
  return instruction.stageName === undefined ? [] : [instruction.stageName.text.toLowerCase()]
}

function describe({ comments }: FromInstruction | ArgInstruction, names: readonly string[]): Finding[] {
  const comment = comments.at(-1)
  const [first] = names
  if (comment === undefined || first === undefined) return []
  if (names.includes(comment.text.split(' ', 1)[0] ?? '')) return []
  const example = names.length > 1 ? '<name>' : first
  const message = `the comment does not describe what follows: "# ${example} <description>" would`
  return [{ rule: 'InvalidDefinitionDescription', message, range: comment.range }]
}
