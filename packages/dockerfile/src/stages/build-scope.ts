import type { Dockerfile } from '../dockerfile.ts'
import { DockerfileError } from '../dockerfile-error.ts'
import { withExcerpt } from '../excerpt.ts'
import type { Word } from '../lex/position.ts'
import { MAX_VARIABLES } from '../limits.ts'
import { Budget } from '../words/budget.ts'
import { type Expanded, expand } from '../words/expand.ts'
import { type BuildPlatform, PROXY_ARGS, platformArgs } from './platform-args.ts'

/** What whoever builds decides. */
export interface BuildOptions {
  readonly buildArgs?: ReadonlyMap<string, string>
  readonly target: BuildPlatform
  /** Where RUN runs; the target where it is not said. */
  readonly build?: BuildPlatform
  /** The stage to build: its name or number; the last one where it is not said. */
  readonly targetStage?: string
}

/** The variables outside of stages, with what stages need to know of the build. */
export interface BuildScope {
  readonly escapeChar: string
  /** ARG before the first FROM, and platforms: what FROM lines see. */
  readonly globals: ReadonlyMap<string, string>
  /** Names that FROM may use, set or not. */
  readonly declared: ReadonlySet<string>
  readonly buildArgs: ReadonlyMap<string, string>
  /** Proxies among the build arguments. */
  readonly proxies: ReadonlyMap<string, string>
  /** Variables of global ARG that are not set. */
  readonly missing: readonly Word[]
}

/** Evaluates the ARG before the first FROM. Throws EXPANSION_INVALID, EXPANSION_TOO_LARGE, VARIABLE_REQUIRED. */
export function openScope(dockerfile: Dockerfile, options: BuildOptions): BuildScope {
  return withExcerpt(dockerfile.text, () => {
    const buildArgs = options.buildArgs ?? new Map<string, string>()
    const automatic = platformArgs(options.target, options.build ?? options.target, options.targetStage ?? 'default')
    const globals = new Map([...automatic].map(([name, value]) => [name, buildArgs.get(name) ?? value]))
    const declared = new Set(automatic.keys())
    const missing: Word[] = []
    const escapeChar = dockerfile.directives.escape
    const expandWord = globalExpander(globals, escapeChar)
    for (const { key, value } of dockerfile.globalArgs.flatMap(({ args }) => args)) {
      const name = expandWord(key).text
      declared.add(name)
      const given = buildArgs.get(name)
      const expanded = given === undefined && value !== undefined ? expandWord(value) : undefined
      const text = given ?? expanded?.text
      if (text !== undefined) globals.set(name, text)
      if (declared.size > MAX_VARIABLES) throw tooMany(key)
      for (const lost of expanded?.missing ?? []) missing.push({ text: lost, range: value?.range ?? key.range })
    }
    const proxies = new Map([...buildArgs].filter(([name]) => PROXY_ARGS.has(name)))
    return { escapeChar, globals, declared, buildArgs, proxies, missing }
  })
}

function tooMany(key: Word): DockerfileError {
  const message = `more than ${MAX_VARIABLES} variables stand before the first FROM`
  return new DockerfileError('TOO_LARGE', message, key.range)
}

/** Expands words of FROM lines and of global ARG. */
export function globalExpander(globals: ReadonlyMap<string, string>, escapeChar: string): (word: Word) => Expanded {
  const budget = new Budget()
  return (word) => expand(word, { escapeChar, lookup: (name) => globals.get(name), budget })
}

/** Build arguments that no ARG asks for, in order: likely misspelt. */
export function unusedBuildArgs(dockerfile: Dockerfile, scope: BuildScope): string[] {
  const asked = new Set(scope.declared)
  for (const instruction of dockerfile.stages.flatMap(({ instructions }) => instructions)) {
    if (instruction.name === 'ARG') for (const { key } of instruction.args) asked.add(key.text)
  }
  return [...scope.buildArgs.keys()].filter((name) => !asked.has(name) && !PROXY_ARGS.has(name))
}
