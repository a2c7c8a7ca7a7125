import type { Dockerfile, Stage } from '../dockerfile.ts'
import { DockerfileError } from '../dockerfile-error.ts'
import type { IgnoreMatcher } from '../ignore/ignore-matcher.ts'
import type { CheckOptions } from '../lex/check-options.ts'
import { type BuildOptions, type BuildScope, openScope } from '../stages/build-scope.ts'
import { evaluateStage } from '../stages/evaluate-stage.ts'
import { resolveBase } from '../stages/stage-base.ts'
import { type BaseConfig, initialState, type StageState } from '../stages/stage-state.ts'
import { checkCasing } from './casing.ts'
import { checkDescriptions } from './descriptions.ts'
import { checkEvaluated, type StageStart } from './evaluated.ts'
import type { Finding } from './finding.ts'
import { checkFromLines } from './from-lines.ts'
import { checkInstructions } from './instructions.ts'
import { RULES, type RuleName } from './rules.ts'
import { checkStageNames } from './stage-names.ts'

export interface LintOptions extends BuildOptions {
  /** What the images say that stages begin with; without it variables of theirs cannot be told from missing ones. */
  baseConfig?(reference: string): BaseConfig | undefined
  /** The context's .dockerignore. */
  readonly ignore?: IgnoreMatcher
  /** In place of what the file's own `check` directive says. */
  readonly check?: CheckOptions
}

export interface LintWarning extends Finding {
  /** What to do. */
  readonly hint: string
}

export interface LintResult {
  /** By place. */
  readonly warnings: readonly LintWarning[]
  /** What would end a build of the file; checks behind it found nothing more. */
  readonly error?: DockerfileError
  /** The file asks for warnings to be errors, and there are some. */
  readonly isFailure: boolean
}

/** Checks all stages of a file, those that no target needs as well. */
export function lintDockerfile(dockerfile: Dockerfile, options: LintOptions): LintResult {
  const findings: Finding[] = [
    ...dockerfile.warnings,
    ...checkCasing(dockerfile),
    ...checkStageNames(dockerfile),
    ...checkInstructions(dockerfile),
    ...checkDescriptions(dockerfile),
  ]
  const { error, found } = collect(dockerfile, options)
  const check = options.check ?? dockerfile.directives.check ?? NO_OPTIONS
  const warnings = [...findings, ...found]
    .filter(({ rule }) => isWanted(rule, check))
    .sort(byPlace)
    .map((finding) => ({ ...finding, hint: RULES[finding.rule].hint }))
  const isFailure = error !== undefined || (check.error && warnings.length > 0)
  return { warnings, isFailure, ...(error !== undefined && { error }) }
}

const NO_OPTIONS: CheckOptions = { skip: [], experimental: [], error: false }

function isWanted(rule: RuleName, { skip, experimental }: CheckOptions): boolean {
  if (skip === 'all' || skip.includes(rule)) return false
  return !('experimental' in RULES[rule]) || experimental === 'all' || experimental.includes(rule)
}

function byPlace(a: Finding, b: Finding): number {
  const [first, second] = [a.range.start, b.range.start]
  return first.line - second.line || first.column - second.column
}

/** What is found by evaluation, as far as that goes, and what ends it. */
function collect(dockerfile: Dockerfile, options: LintOptions): { found: Finding[]; error?: DockerfileError } {
  const found: Finding[][] = []
  try {
    const scope = openScope(dockerfile, options)
    found.push(checkFromLines(dockerfile, scope, openScope(dockerfile, { ...options, buildArgs: new Map() })))
    const done: { state: StageState; end: StageStart }[] = []
    for (const stage of dockerfile.stages) {
      const { state: before, start } = startOf(dockerfile, stage, scope, options, done)
      const evaluated = evaluateStage(dockerfile, stage, scope, before)
      const { findings, end } = checkEvaluated(evaluated, start, options.ignore)
      found.push(findings)
      done.push({ state: evaluated.state, end })
    }
    return { found: found.flat() }
  } catch (error) {
    if (error instanceof DockerfileError) return { found: found.flat(), error }
    throw error
  }
}

function startOf(
  dockerfile: Dockerfile,
  stage: Stage,
  scope: BuildScope,
  options: LintOptions,
  done: readonly { readonly state: StageState; readonly end: StageStart }[],
): { state: StageState; start: StageStart } {
  const { base } = resolveBase(dockerfile, stage, scope)
  const below = base.kind === 'stage' ? done[base.index] : undefined
  if (below !== undefined) return { state: below.state, start: below.end }
  const config = base.kind === 'image' ? options.baseConfig?.(base.reference) : {}
  const hasShell = (config?.shell?.length ?? 0) > 0
  return { state: initialState(config), start: { knowsVariables: config !== undefined, hasWorkdir: false, hasShell } }
}
