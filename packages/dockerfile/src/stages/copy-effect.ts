import { posix } from 'node:path'
import { DockerfileError, shown } from '../dockerfile-error.ts'
import { heredocText } from '../heredoc/heredoc.ts'
import type { AddInstruction, CopyInstruction, Source } from '../instructions/instruction.ts'
import { type FileMode, parseMode } from '../instructions/mode.ts'
import type { Word } from '../lex/position.ts'
import type { StageEvaluator } from './evaluate-stage.ts'
import { remoteKind } from './remote-source.ts'
import type { Effect, Owner, ResolvedCopy, ResolvedSource } from './resolved.ts'

export function copyEffect(instruction: CopyInstruction, stage: StageEvaluator): Effect {
  const { from, parents } = instruction
  const common = commonEffect(instruction, stage, parents)
  const remote = common.sources.findIndex(({ kind }) => kind === 'url' || kind === 'git')
  if (remote >= 0) throw remoteError(instruction, remote)
  return { name: 'COPY', ...common, parents, ...(from !== undefined && { from }) }
}

export function addEffect(instruction: AddInstruction, stage: StageEvaluator): Effect {
  const { keepGitDir, unpack } = instruction
  const common = commonEffect(instruction, stage, false)
  const checksum = instruction.checksum === undefined ? undefined : readChecksum(instruction.checksum, common, stage)
  return {
    name: 'ADD',
    ...common,
    keepGitDir,
    ...(checksum !== undefined && { checksum }),
    ...(unpack !== undefined && { unpack }),
  }
}

function commonEffect(
  instruction: CopyInstruction | AddInstruction,
  stage: StageEvaluator,
  parents: boolean,
): ResolvedCopy {
  const { chown, chmod, link, exclude } = instruction
  return {
    sources: instruction.sources.map((source) => resolveSource(source, stage, parents)),
    destination: absoluteDestination(stage.text(instruction.destination), stage.workingDir),
    ...(chown !== undefined && { chown: readOwner(chown, stage) }),
    ...(chmod !== undefined && { chmod: readMode(chmod, stage) }),
    link,
    exclude: exclude.map((word) => stage.text(word)),
  }
}

function resolveSource(source: Source, stage: StageEvaluator, parents: boolean): ResolvedSource {
  if (source.kind === 'heredoc') {
    const { heredoc } = source
    const text = heredocText(heredoc)
    const content = heredoc.expand ? stage.document({ text, range: heredoc.range }) : text
    return { kind: 'inline', name: heredoc.name, content }
  }
  const text = stage.text(source.path)
  if (text === '') {
    throw new DockerfileError('ARGUMENT_INVALID', `the source ${shown(source.path.text)} is empty`, source.path.range)
  }
  const kind = remoteKind(text)
  if (kind !== undefined) return { kind, url: text }
  const pivot = parents ? text.indexOf('/./') : -1
  if (pivot < 0) return { kind: 'path', path: posix.join('/', text) }
  return { kind: 'path', path: posix.join('/', text), pivot: posix.join('/', text.slice(0, pivot)) }
}

/** A "/" at the end says that it is a directory, and stays; "." and "" are the working directory. */
function absoluteDestination(text: string, workingDir: string): string {
  const path = posix.resolve('/', workingDir, text)
  const isDirectory = text === '' || text === '.' || /(^|\/)\.?$/.test(text)
  return isDirectory && path !== '/' ? `${path}/` : path
}

function readOwner(word: Word, stage: StageEvaluator): Owner {
  const text = stage.text(word)
  const [user = '', group, ...more] = text.split(':')
  if (more.length === 0 && user !== '' && group !== '') return group === undefined ? { user } : { user, group }
  const message = `--chown comes to ${shown(text)}; write user or user:group`
  throw new DockerfileError('FLAG_INVALID', message, word.range)
}

function readMode(word: Word, stage: StageEvaluator): FileMode {
  const text = stage.text(word)
  const mode = parseMode(text)
  if (mode !== undefined) return mode
  const message = `--chmod comes to ${shown(text)}; write an octal mode up to 7777, or one such as u=rwX,go=rX`
  throw new DockerfileError('FLAG_INVALID', message, word.range)
}

const LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 }

function readChecksum(word: Word, { sources }: ResolvedCopy, stage: StageEvaluator): string {
  const text = stage.text(word)
  const [source, ...more] = sources
  const isRemote = source?.kind === 'url' || source?.kind === 'git'
  if (!isRemote || more.length > 0) throw checksumError(word, 'is for exactly one source, a URL or Git repository')
  const [, algorithm = '', hex = ''] = /^([a-z0-9]{1,16}):([0-9a-f]{1,128})$/.exec(text) ?? []
  if (Object.hasOwn(LENGTHS, algorithm) && LENGTHS[algorithm] === hex.length) return text
  if (source.kind === 'git' && /^[0-9a-f]{7,64}$/.test(text)) return text
  const expected = source.kind === 'git' ? 'the hash of a commit' : 'a digest such as sha256:<64 hexadecimal digits>'
  throw checksumError(word, `comes to ${shown(text)}; write ${expected}`)
}

function checksumError(word: Word, why: string): DockerfileError {
  return new DockerfileError('FLAG_INVALID', `--checksum ${why}`, word.range)
}

function remoteError(instruction: CopyInstruction, index: number): DockerfileError {
  const source = instruction.sources[index]
  const range = source?.kind === 'path' ? source.path.range : instruction.range
  return new DockerfileError('ARGUMENT_INVALID', 'COPY takes no URLs; use ADD', range)
}
