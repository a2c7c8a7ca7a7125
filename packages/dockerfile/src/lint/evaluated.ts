import { shown } from '../dockerfile-error.ts'
import type { IgnoreMatcher } from '../ignore/ignore-matcher.ts'
import type { EvaluatedStage } from '../stages/evaluate-stage.ts'
import type { ResolvedInstruction } from '../stages/resolved.ts'
import { didYouMean } from '../suggest.ts'
import type { Finding } from './finding.ts'

/** What is known of a stage before its first instruction. */
export interface StageStart {
  /** The base's environment is known, so that a variable that is not there can be told. */
  readonly knowsVariables: boolean
  /** A stage below has set a WORKDIR. */
  readonly hasWorkdir: boolean
  /** Someone has chosen the shell. */
  readonly hasShell: boolean
}

/** Checks of what instructions come to. `start` is moved on to what a stage on top of this one begins with. */
export function checkEvaluated(
  { instructions, missing }: EvaluatedStage,
  start: StageStart,
  ignore: IgnoreMatcher | undefined,
): { findings: Finding[]; end: StageStart } {
  const findings: Finding[][] = []
  let end = start
  for (const resolved of instructions) {
    findings.push(shellForm(resolved, end), relativeWorkdir(resolved, end), exposed(resolved))
    if (ignore !== undefined && !ignore.hasExceptions) findings.push(ignoredFiles(resolved, ignore))
    if (resolved.effect.name === 'WORKDIR') end = { ...end, hasWorkdir: true }
    if (resolved.effect.name === 'SHELL') end = { ...end, hasShell: true }
  }
  if (!start.knowsVariables) return { findings: findings.flat(), end }
  const undefinedVariables = missing.map(
    ({ name, instruction, known }): Finding => ({
      rule: 'UndefinedVar',
      message: `the variable ${shown(name)} is not set${didYouMean(name, known)}`,
      range: instruction.range,
    }),
  )
  return { findings: [...findings.flat(), ...undefinedVariables], end }
}

function shellForm({ source }: ResolvedInstruction, { hasShell }: StageStart): Finding[] {
  if ((source.name !== 'CMD' && source.name !== 'ENTRYPOINT') || source.command.form === 'exec' || hasShell) return []
  const message = `${source.name} runs a shell, which does not pass signals on`
  return [{ rule: 'JSONArgsRecommended', message, range: source.commandRange }]
}

function relativeWorkdir({ source, effect }: ResolvedInstruction, { hasWorkdir }: StageStart): Finding[] {
  if (effect.name !== 'WORKDIR' || source.name !== 'WORKDIR' || !effect.wasRelative || hasWorkdir) return []
  const message = `the directory ${shown(source.value.text)} is relative to what the base image has`
  return [{ rule: 'WorkdirRelativePath', message, range: source.value.range }]
}

function exposed({ source, effect }: ResolvedInstruction): Finding[] {
  if (effect.name !== 'EXPOSE') return []
  const { range } = source
  return effect.ports.flatMap(({ writtenProtocol, hasHost, first }): Finding[] => {
    const isCased = writtenProtocol !== writtenProtocol.toLowerCase()
    const casing = `the protocol ${shown(writtenProtocol)} is not written in small letters`
    return [
      ...(isCased ? [{ rule: 'ExposeProtoCasing' as const, message: casing, range }] : []),
      ...(hasHost
        ? [{ rule: 'ExposeInvalidFormat' as const, message: `port ${first} is exposed with a part of the host`, range }]
        : []),
    ]
  })
}

function ignoredFiles({ source, effect }: ResolvedInstruction, ignore: IgnoreMatcher): Finding[] {
  const takesContext = effect.name === 'ADD' || (effect.name === 'COPY' && effect.from === undefined)
  if (!takesContext) return []
  return effect.sources.flatMap((file): Finding[] => {
    if (file.kind !== 'path' || !ignore.ignores(file.path.slice(1))) return []
    const message = `${effect.name} takes ${shown(file.path.slice(1))}, which .dockerignore leaves out`
    return [{ rule: 'CopyIgnoredFile', message, range: source.range }]
  })
}
