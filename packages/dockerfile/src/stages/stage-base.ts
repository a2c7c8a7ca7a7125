import type { Dockerfile, Stage } from '../dockerfile.ts'
import { DockerfileError, shown } from '../dockerfile-error.ts'
import type { Word } from '../lex/position.ts'
import type { Expanded } from '../words/expand.ts'
import { type BuildScope, globalExpander } from './build-scope.ts'

/** What a stage begins with. */
export type StageBase =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'stage'; readonly index: number }
  /** An image, or one of the contexts that the build was given by name. */
  | { readonly kind: 'image'; readonly reference: string }

/** The base of a stage, with its platform where the FROM line names one. */
export interface ResolvedBase {
  readonly base: StageBase
  /** "linux/arm64" */
  readonly platform?: string
  /** How the base's name was expanded: for lint. */
  readonly name: Expanded
  readonly platformName?: Expanded
}

const PLATFORM = /^[A-Za-z0-9_.-]{1,64}(?:\([A-Za-z0-9_.-]{1,64}\))?(?:\/[A-Za-z0-9_.-]{1,64}){0,2}$/

/** Expands a FROM line. A name that an earlier stage has is that stage. Throws BASE_INVALID, FLAG_INVALID. */
export function resolveBase(dockerfile: Dockerfile, stage: Stage, scope: BuildScope): ResolvedBase {
  const expandWord = globalExpander(scope.globals, scope.escapeChar)
  const { from } = stage
  const name = expandWord(from.base)
  if (name.text.trim() === '') throw emptyBase(from.base, name)
  const base = baseOf(dockerfile, stage, name.text)
  if (from.platform === undefined) return { base, name }
  const platformName = expandWord(from.platform)
  if (!PLATFORM.test(platformName.text)) throw badPlatform(from.platform, platformName)
  return { base, name, platform: platformName.text, platformName }
}

/** The last stage before `before` that has the name, whatever its case. */
export function earlierStage(dockerfile: Dockerfile, name: string, before: number): Stage | undefined {
  const lower = name.toLowerCase()
  return dockerfile.stages.findLast((stage) => stage.index < before && stage.name === lower)
}

function baseOf(dockerfile: Dockerfile, stage: Stage, name: string): StageBase {
  const earlier = earlierStage(dockerfile, name, stage.index)
  if (earlier !== undefined) return { kind: 'stage', index: earlier.index }
  return name === 'scratch' ? { kind: 'scratch' } : { kind: 'image', reference: name }
}

function emptyBase(word: Word, { missing }: Expanded): DockerfileError {
  const why =
    missing.size === 0 ? '' : `: declare ${[...missing].join(', ')} with ARG before the first FROM, with a default`
  return new DockerfileError('BASE_INVALID', `the base ${shown(word.text)} is empty${why}`, word.range)
}

function badPlatform(word: Word, { text }: Expanded): DockerfileError {
  const message = `the platform ${shown(word.text)} is ${shown(text)}; expected one such as linux/arm64`
  return new DockerfileError('FLAG_INVALID', message, word.range)
}
