import { invalid } from '@caisson/api'
import type { RunConfig } from './ports.ts'

export const EMPTY_CONFIG: RunConfig = {
  user: '',
  exposedPorts: [],
  env: [],
  entrypoint: [],
  cmd: [],
  volumes: [],
  workingDir: '',
  labels: {},
  stopSignal: '',
  shell: [],
  onBuild: [],
}

const SHELL: readonly string[] = ['/bin/sh', '-c']
const MAX_CHANGE = 64 << 10
const SIGNAL = /^(?:SIG)?[A-Z][A-Z0-9+-]{1,15}$/
const PORT = /^([0-9]{1,5})(?:-([0-9]{1,5}))?(?:\/(tcp|udp|sctp))?$/

type Change = (config: RunConfig, rest: string) => RunConfig

/** The instructions that `changes` of an import may have. */
const CHANGES: Readonly<Record<string, Change>> = {
  CMD: (config, rest) => ({ ...config, cmd: command(config, rest) }),
  ENTRYPOINT: (config, rest) => ({ ...config, entrypoint: command(config, rest) }),
  ENV: (config, rest) => ({ ...config, env: pairs(rest).reduce(setVariable, config.env) }),
  LABEL: (config, rest) => ({ ...config, labels: { ...config.labels, ...Object.fromEntries(pairs(rest)) } }),
  USER: (config, rest) => ({ ...config, user: single(rest) }),
  WORKDIR: (config, rest) => ({ ...config, workingDir: absolutePath(config.workingDir, single(rest)) }),
  EXPOSE: (config, rest) => ({ ...config, exposedPorts: union(config.exposedPorts, words(rest).map(port)) }),
  VOLUME: (config, rest) => ({ ...config, volumes: union(config.volumes, listOrWords(rest).map(volume)) }),
  STOPSIGNAL: (config, rest) => ({ ...config, stopSignal: signal(single(rest)) }),
}

/** Applies instructions of a Dockerfile (CMD, ENTRYPOINT, ENV, LABEL, USER, WORKDIR, EXPOSE, VOLUME, STOPSIGNAL), in order. */
export function applyChanges(config: RunConfig, changes: readonly string[]): RunConfig {
  return changes.reduce(applyChange, config)
}

function applyChange(config: RunConfig, line: string): RunConfig {
  const [, word = '', rest = ''] = /^\s*([A-Za-z]+)\s+([\s\S]*?)\s*$/.exec(line) ?? []
  const change = Object.hasOwn(CHANGES, word.toUpperCase()) ? CHANGES[word.toUpperCase()] : undefined
  try {
    if (!change) throw new Error(`it must begin with one of ${Object.keys(CHANGES).join(', ')}`)
    if (line.includes('\0') || line.length > MAX_CHANGE)
      throw new Error(`it has a NUL or over ${MAX_CHANGE} characters`)
    return change(config, rest)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw invalid(`the change ${JSON.stringify(line.slice(0, 200))} cannot be applied: ${why}`, {
      reason: 'INVALID_CHANGE',
      details: { change: line.slice(0, 200) },
    })
  }
}

/** The exec form (a JSON list) or the shell form. */
function command(config: RunConfig, rest: string): string[] {
  if (rest === '') throw new Error('a command is missing')
  return jsonList(rest) ?? [...(config.shell.length > 0 ? config.shell : SHELL), rest]
}

function jsonList(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined
  } catch {
    // As in a Dockerfile: what is not a JSON list is the shell form.
    return undefined
  }
}

const listOrWords = (rest: string): string[] => jsonList(rest) ?? words(rest)

/** Words with their quotes and backslashes taken away. */
function words(text: string): string[] {
  const found = [...text.matchAll(/(?:[^\s"'\\]|\\[\s\S]|"(?:[^"\\]|\\[\s\S])*"|'[^']*')+|["'\\]/g)].map(
    ([word]) => word,
  )
  if (found.length === 0) throw new Error('a value is missing')
  return found.map(unquote)
}

function unquote(word: string): string {
  if (/^["'\\]$/.test(word)) throw new Error('a quote is not closed')
  return word.replaceAll(/\\([\s\S])|"((?:[^"\\]|\\[\s\S])*)"|'([^']*)'/g, (_, escaped, double, single) => {
    if (escaped !== undefined) return escaped
    return double === undefined ? single : double.replaceAll(/\\(["\\$])/g, '$1')
  })
}

function single(rest: string): string {
  const [first = '', ...more] = words(rest)
  if (more.length > 0 || first === '') throw new Error('one value is expected')
  return first
}

/** NAME=value ..., or the old form NAME value with spaces. */
function pairs(rest: string): [string, string][] {
  const old = /^([^\s="']+)\s+([\s\S]+)$/.exec(rest)
  if (old?.[1] !== undefined && old[2] !== undefined) return [[old[1], old[2]]]
  return words(rest).map((word) => {
    const equals = word.indexOf('=')
    if (equals < 1) throw new Error(`${JSON.stringify(word)} is not NAME=value`)
    return [word.slice(0, equals), word.slice(equals + 1)]
  })
}

function setVariable(env: readonly string[], [name, value]: [string, string]): readonly string[] {
  return [...env.filter((entry) => !entry.startsWith(`${name}=`)), `${name}=${value}`]
}

function absolutePath(current: string, path: string): string {
  if (path.startsWith('/')) return path
  return `${current === '' || current === '/' ? '' : current}/${path}`
}

function port(text: string): string {
  const [, first = '', last = first, protocol = 'tcp'] = PORT.exec(text) ?? []
  const isRange = Number(first) >= 1 && Number(last) <= 65535 && Number(first) <= Number(last)
  if (!isRange) throw new Error(`${JSON.stringify(text)} is not a port, such as 80, 53/udp or 8000-8010`)
  return `${last === first ? first : `${first}-${last}`}/${protocol}`
}

function volume(path: string): string {
  if (!path.startsWith('/') || path === '/' || path.split('/').includes('..'))
    throw new Error(`${JSON.stringify(path)} is not an absolute path below the root`)
  return path
}

function signal(text: string): string {
  if (SIGNAL.test(text)) return text.startsWith('SIG') ? text : `SIG${text}`
  if (/^[0-9]{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= 64) return text
  throw new Error(`${JSON.stringify(text)} is not a signal`)
}

const union = (some: readonly string[], more: readonly string[]): string[] => [...new Set([...some, ...more])]
