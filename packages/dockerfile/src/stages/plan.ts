import type { Dockerfile } from '../dockerfile.ts'
import { DockerfileError, shown } from '../dockerfile-error.ts'
import { withExcerpt } from '../excerpt.ts'
import { didYouMean } from '../suggest.ts'
import type { BuildScope } from './build-scope.ts'
import { type StageUse, usesOf } from './references.ts'
import { resolveBase, type StageBase } from './stage-base.ts'

/** A stage with all that it needs. */
export interface PlannedStage {
  readonly index: number
  readonly name?: string
  readonly base: StageBase
  /** "linux/arm64"; absent: the target's. */
  readonly platform?: string
  readonly uses: readonly StageUse[]
}

export interface BuildPlan {
  /** All stages, needed or not. */
  readonly stages: readonly PlannedStage[]
  /** The stage that was asked for. */
  readonly target: number
  /** The stages that the target needs, itself included, each after those that it needs. */
  readonly order: readonly number[]
}

/**
 * Finds what each stage stands on, and which are needed for the target: the last stage, or one by name or number.
 * Throws STAGE_UNKNOWN, STAGE_CYCLE, BASE_INVALID, FLAG_INVALID and what expansion throws.
 */
export function planBuild(dockerfile: Dockerfile, scope: BuildScope, target?: string): BuildPlan {
  return withExcerpt(dockerfile.text, () => {
    const stages = dockerfile.stages.map((stage): PlannedStage => {
      const { base, platform } = resolveBase(dockerfile, stage, scope)
      const uses = usesOf(dockerfile, stage)
      const { index, name } = stage
      return { index, base, uses, ...(name !== undefined && { name }), ...(platform !== undefined && { platform }) }
    })
    const wanted = findTarget(dockerfile, target)
    return { stages, target: wanted, order: orderOf(dockerfile, stages, wanted) }
  })
}

/** The stage that `target` means: a name whatever its case, else a number; the last stage where it is not said. */
export function findTarget(dockerfile: Dockerfile, target: string | undefined): number {
  const { stages } = dockerfile
  if (target === undefined || target === '') return stages.length - 1
  const lower = target.toLowerCase()
  const named = stages.findLast(({ name }) => name === lower)
  if (named !== undefined) return named.index
  const number = /^[0-9]{1,9}$/.test(target) ? Number(target) : undefined
  if (number !== undefined && number < stages.length) return number
  const names = stages.flatMap(({ name }) => name ?? [])
  const list = names.length === 0 ? 'no stage has a name' : `known are ${names.slice(0, 20).join(', ')}`
  throw new DockerfileError('STAGE_UNKNOWN', `there is no stage ${shown(target)}${didYouMean(target, names)}: ${list}`)
}

/** Depth first, without recursion: a file may chain thousands of stages. */
function orderOf(dockerfile: Dockerfile, stages: readonly PlannedStage[], target: number): number[] {
  const state = new Map<number, 'open' | 'done'>()
  const order: number[] = []
  const open: { index: number; left: number[] }[] = []
  const enter = (index: number): void => {
    state.set(index, 'open')
    open.push({ index, left: needsOf(stages[index]) })
  }
  enter(target)
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const next = top.left.shift()
    if (next === undefined) {
      state.set(top.index, 'done')
      order.push(top.index)
      open.pop()
    } else if (state.get(next) === 'open') {
      throw cycle(dockerfile, stages, top.index, next)
    } else if (state.get(next) === undefined) {
      enter(next)
    }
  }
  return order
}

function needsOf(stage: PlannedStage | undefined): number[] {
  if (stage === undefined) return []
  const sources = stage.uses.flatMap(({ source }) => (source.kind === 'stage' ? [source.index] : []))
  return [...new Set(stage.base.kind === 'stage' ? [stage.base.index, ...sources] : sources)]
}

function cycle(dockerfile: Dockerfile, stages: readonly PlannedStage[], from: number, to: number): DockerfileError {
  const use = stages[from]?.uses.find(({ source }) => source.kind === 'stage' && source.index === to)
  const [needing, needed] = [from, to].map((index) => dockerfile.stages[index]?.name ?? `number ${index}`)
  const message = `the stages ${needed} and ${needing} need each other; take one of the two references out`
  return new DockerfileError('STAGE_CYCLE', message, use?.word.range ?? dockerfile.stages[from]?.from.range)
}
