import type { Dockerfile, Stage } from '../dockerfile.ts'
import { DockerfileError, shown } from '../dockerfile-error.ts'
import type { Word } from '../lex/position.ts'
import { type BuildScope, globalExpander } from '../stages/build-scope.ts'
import { didYouMean } from '../suggest.ts'
import type { Expanded } from '../words/expand.ts'
import type { Finding } from './finding.ts'

/** `defaults` is the scope as it is without build arguments. */
export function checkFromLines(dockerfile: Dockerfile, scope: BuildScope, defaults: BuildScope): Finding[] {
  return dockerfile.stages.flatMap((stage) => [
    ...undefinedArgs(stage, scope),
    ...invalidDefault(stage, defaults),
    ...platformFindings(stage, scope),
  ])
}

/** Told of one word. */
const MOST_NAMES = 3

function undefinedArgs({ from }: Stage, scope: BuildScope): Finding[] {
  const words = [from.base, ...(from.platform === undefined ? [] : [from.platform])]
  return words.flatMap((word) => {
    const names = [...(tryExpand(word, scope)?.missing ?? [])].filter((name) => !scope.declared.has(name))
    return names.slice(0, MOST_NAMES).map((name) => ({
      rule: 'UndefinedArgInFrom' as const,
      message: `the variable ${shown(name)} is not declared${didYouMean(name, scope.declared)}`,
      range: word.range,
    }))
  })
}

function invalidDefault({ from }: Stage, defaults: BuildScope): Finding[] {
  const name = tryExpand(from.base, defaults)
  if (name === undefined || name.used.size + name.missing.size === 0 || isImageName(name.text)) return []
  const message = `without build arguments the base ${shown(from.base.text)} is ${shown(name.text)}, which is no image`
  return [{ rule: 'InvalidDefaultArgInFrom', message, range: from.base.range }]
}

function platformFindings({ from, name = '' }: Stage, scope: BuildScope): Finding[] {
  const { platform } = from
  const expanded = platform === undefined ? undefined : tryExpand(platform, scope)
  if (platform === undefined || expanded === undefined) return []
  const { range } = platform
  const isConstant = expanded.used.size + expanded.missing.size === 0
  const parts = expanded.text.split('/')
  if (isConstant && !parts.some((part) => name.includes(part))) {
    const message = `the platform is always ${shown(expanded.text)}`
    return [{ rule: 'FromPlatformFlagConstDisallowed', message, range }]
  }
  const isTarget = expanded.used.size === 1 && expanded.used.has('TARGETPLATFORM') && expanded.missing.size === 0
  if (!isTarget || expanded.text !== scope.globals.get('TARGETPLATFORM')) return []
  return [{ rule: 'RedundantTargetPlatform', message: `${shown(platform.text)} is the default`, range }]
}

/** Undefined where it cannot be expanded: that is an error of the build, and no check's to tell. */
function tryExpand(word: Word, scope: BuildScope): Expanded | undefined {
  try {
    return globalExpander(scope.globals, scope.escapeChar)(word)
  } catch (error) {
    if (error instanceof DockerfileError) return undefined
    throw error
  }
}

/** What can be a reference at a glance: whether it is one is the registry client's to say. */
function isImageName(text: string): boolean {
  if (text.length > 512 || !/^[A-Za-z0-9[][A-Za-z0-9_.:/@[\]-]*$/.test(text)) return false
  return !/[:/@.-]$/.test(text) && !/\/\/|\/[-.:]|::/.test(text)
}
