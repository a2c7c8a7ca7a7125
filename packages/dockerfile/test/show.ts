import {
  type BuildOptions,
  type BuildPlatform,
  DockerfileError,
  evaluateStage,
  IgnoreMatcher,
  initialState,
  lintDockerfile,
  openScope,
  parseDockerfile,
  parseTrigger,
  planBuild,
  type StageState,
} from '../src/index.ts'
import { showAst } from './show-ast.ts'
import { showEffect } from './show-effect.ts'
import { at } from './show-words.ts'

/** What a view of a Dockerfile shows: one line for each thing, errors as a line with their place. */
export function show(header: string, text: string): string {
  const [view = '', ...words] = header.split(' ')
  try {
    return VIEWS[view]?.(text, new Options(words)) ?? `no view ${view}\n`
  } catch (error) {
    if (!(error instanceof DockerfileError)) throw error
    const excerpt = error.excerpt === undefined ? '' : `\n| ${error.excerpt}`
    return `${error.code}${at(error.range)} ${error.message}${excerpt}\n`
  }
}

class Options {
  readonly #words: readonly string[]

  constructor(words: readonly string[]) {
    this.#words = words
  }

  all(name: string): string[] {
    return this.#words.filter((word) => word.startsWith(`${name}:`)).map((word) => word.slice(name.length + 1))
  }

  one(name: string): string | undefined {
    return this.all(name)[0]
  }

  build(): BuildOptions {
    const buildArgs = new Map(this.all('arg').map((pair) => pair.split('=', 2) as [string, string]))
    const target = platform(this.one('platform') ?? 'linux/amd64')
    const targetStage = this.one('target')
    return { buildArgs, target, build: platform('linux/amd64'), ...(targetStage !== undefined && { targetStage }) }
  }
}

function platform(text: string): BuildPlatform {
  const [os = '', architecture = '', variant] = text.split('/')
  return { os, architecture, ...(variant !== undefined && { variant }) }
}

const VIEWS: Readonly<Record<string, (text: string, options: Options) => string>> = {
  ast: (text) => lines(showAst(parseDockerfile(text))),
  eval: (text, options) => lines(evaluate(text, options)),
  plan: (text, options) => lines(plan(text, options)),
  lint: (text, options) => lines(lint(text, options)),
}

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('')

function evaluate(text: string, options: Options): string[] {
  const dockerfile = parseDockerfile(text)
  const scope = openScope(dockerfile, options.build())
  const { stages } = planBuild(dockerfile, scope, options.one('target'))
  const states: StageState[] = []
  const triggers = options.all('trigger').map((trigger) => parseTrigger(trigger.replaceAll('_', ' ')))
  return dockerfile.stages.flatMap((stage) => {
    const base = stages[stage.index]?.base
    const below = base?.kind === 'stage' ? states[base.index] : undefined
    const state = below ?? initialState({ env: options.all('env'), ...workdir(options) })
    const evaluated = evaluateStage(dockerfile, stage, scope, state, triggers)
    states.push(evaluated.state)
    const effects = evaluated.instructions.map(({ effect }) => showEffect(effect))
    const missing = evaluated.missing.map(({ name, instruction }) => `not set: ${name}${at(instruction.range)}`)
    return [...(stages.length > 1 ? [`stage ${stage.index}`] : []), ...effects, ...missing]
  })
}

function workdir(options: Options): { workingDir?: string } {
  const workingDir = options.one('workdir')
  return workingDir === undefined ? {} : { workingDir }
}

function plan(text: string, options: Options): string[] {
  const dockerfile = parseDockerfile(text)
  const { stages, target, order } = planBuild(dockerfile, openScope(dockerfile, options.build()), options.one('target'))
  const shown = stages.map(({ index, name, base, platform: on, uses }) => {
    const sources = uses.map(({ source }) => (source.kind === 'stage' ? `stage ${source.index}` : source.reference))
    const from = base.kind === 'stage' ? `stage ${base.index}` : base.kind === 'image' ? base.reference : 'scratch'
    const parts = [`${index}${name === undefined ? '' : ` ${name}`}: ${from}`, on === undefined ? '' : ` on ${on}`]
    return parts.join('') + (sources.length === 0 ? '' : `, uses ${sources.join(', ')}`)
  })
  return [...shown, `target ${target}, builds ${order.join(' ')}`]
}

function lint(text: string, options: Options): string[] {
  const ignored = options.all('ignore')
  const { warnings, error, isFailure } = lintDockerfile(parseDockerfile(text), {
    ...options.build(),
    ...(ignored.length > 0 && { ignore: new IgnoreMatcher(ignored) }),
  })
  return [
    ...warnings.map(({ rule, range, message }) => `${rule}${at(range)} ${message}`),
    ...(error === undefined ? [] : [`error ${error.code}${at(error.range)}`]),
    isFailure ? 'fails' : 'passes',
  ]
}
