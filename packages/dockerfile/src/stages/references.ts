import type { Dockerfile, Stage } from '../dockerfile.ts'
import { DockerfileError, shown } from '../dockerfile-error.ts'
import type { Instruction } from '../instructions/instruction.ts'
import { mountFrom } from '../instructions/mount.ts'
import type { Word } from '../lex/position.ts'
import { earlierStage } from './stage-base.ts'

/** Where files come from that are not the build context's. */
export type FileSource =
  | { readonly kind: 'stage'; readonly index: number }
  /** An image, or one of the contexts that the build was given by name. */
  | { readonly kind: 'image'; readonly reference: string }

/** What a stage copies or mounts from. */
export interface StageUse {
  readonly source: FileSource
  readonly word: Word
}

/** All that the instructions of a stage take files from, triggers of ONBUILD excepted: they run elsewhere. */
export function usesOf(dockerfile: Dockerfile, stage: Stage, instructions = stage.instructions): StageUse[] {
  return instructions.flatMap(fromWords).map((word) => ({ word, source: resolveFrom(dockerfile, stage, word) }))
}

/**
 * What `--from=` and `from=` name: a stage by number; by name the nearest one before, else a later one; an image
 * otherwise. Throws STAGE_UNKNOWN for a number that no stage has, and STAGE_CYCLE for the stage itself.
 */
export function resolveFrom(dockerfile: Dockerfile, stage: Stage, word: Word): FileSource {
  const index = stageIndex(dockerfile, stage, word)
  if (index === undefined) return { kind: 'image', reference: word.text }
  if (index === stage.index) throw new DockerfileError('STAGE_CYCLE', 'a stage cannot copy from itself', word.range)
  return { kind: 'stage', index }
}

function stageIndex(dockerfile: Dockerfile, stage: Stage, word: Word): number | undefined {
  if (/^[+-]?[0-9]+$/.test(word.text)) {
    const number = Number(word.text)
    if (dockerfile.stages[number] !== undefined) return number
    throw unknownNumber(dockerfile, word)
  }
  const lower = word.text.toLowerCase()
  const earlier = earlierStage(dockerfile, lower, stage.index)
  return (earlier ?? dockerfile.stages.find(({ name }) => name === lower))?.index
}

function fromWords(instruction: Instruction): Word[] {
  if (instruction.name === 'COPY') return instruction.from === undefined ? [] : [instruction.from]
  if (instruction.name !== 'RUN') return []
  return instruction.mounts.flatMap((mount) => mountFrom(mount) ?? [])
}

function unknownNumber(dockerfile: Dockerfile, word: Word): DockerfileError {
  const last = dockerfile.stages.length - 1
  const message = `there is no stage ${shown(word.text)}; stages count from 0 to ${last}`
  return new DockerfileError('STAGE_UNKNOWN', message, word.range)
}
