import { DockerfileError } from '../dockerfile-error.ts'
import { isMarker } from '../heredoc/find-markers.ts'
import type { Heredoc } from '../heredoc/heredoc.ts'
import type { Word } from '../lex/position.ts'
import type { Span } from '../lex/span.ts'
import type { Statement } from '../lex/statement.ts'
import { readJsonStrings } from '../words/json-strings.ts'
import { splitAtSpaces } from '../words/spaces.ts'
import { Flags } from './flags.ts'
import type { AddInstruction, CopyInstruction, Source } from './instruction.ts'
import { fromRule } from './mount.ts'
import { baseOf, missing } from './statement-parts.ts'

const COMMON = { chown: 'value', chmod: 'value', link: 'boolean', exclude: 'values' } as const
const COPY_FLAGS = { from: 'value', parents: 'boolean', ...COMMON } as const
const ADD_FLAGS = { checksum: 'value', 'keep-git-dir': 'boolean', unpack: 'boolean', ...COMMON } as const

/** `COPY [flags] SOURCE ... DESTINATION`, also in JSON form. Throws ARGUMENT_MISSING, FLAG_INVALID, HEREDOC_INVALID. */
export function parseCopy(statement: Statement): CopyInstruction {
  const flags = Flags.read(statement, COPY_FLAGS)
  const from = flags.value('from')
  if (from !== undefined && /\$./.test(from.text)) {
    throw new DockerfileError('FLAG_INVALID', fromRule('--from'), from.range)
  }
  return {
    ...baseOf(statement),
    name: 'COPY',
    ...readCommon(statement, flags),
    parents: flags.boolean('parents') ?? false,
    ...(from !== undefined && from.text !== '' && { from }),
  }
}

/** `ADD [flags] SOURCE ... DESTINATION`, also in JSON form. Throws ARGUMENT_MISSING, FLAG_INVALID, HEREDOC_INVALID. */
export function parseAdd(statement: Statement): AddInstruction {
  const flags = Flags.read(statement, ADD_FLAGS)
  const [checksum, unpack] = [flags.value('checksum'), flags.boolean('unpack')]
  return {
    ...baseOf(statement),
    name: 'ADD',
    ...readCommon(statement, flags),
    keepGitDir: flags.boolean('keep-git-dir') ?? false,
    ...(checksum !== undefined && { checksum }),
    ...(unpack !== undefined && { unpack }),
  }
}

function readCommon(statement: Statement, flags: Flags) {
  const [chown, chmod] = [flags.value('chown'), flags.value('chmod')]
  return {
    ...readPaths(statement),
    ...(chown !== undefined && { chown }),
    ...(chmod !== undefined && { chmod }),
    link: flags.boolean('link') ?? false,
    exclude: flags.values('exclude'),
  }
}

function readPaths(statement: Statement): { sources: Source[]; destination: Word } {
  const { range } = statement.args
  const list = readJsonStrings(statement.args)?.map((text) => ({ text, range }))
  if (list !== undefined) {
    const destination = list.pop()
    if (destination === undefined || list.length === 0) throw noDestination(statement)
    return { sources: list.map((path) => ({ kind: 'path', path })), destination }
  }
  const words = splitAtSpaces(statement.args)
  const last = words.pop()
  if (last === undefined || words.length === 0) throw noDestination(statement)
  if (isMarker(last)) throw heredocError(last, 'the destination is a path, not a heredoc; put the path last')
  return { sources: readSources(words, statement.heredocs), destination: last.word() }
}

function readSources(words: readonly Span[], heredocs: readonly Heredoc[]): Source[] {
  const left = [...heredocs]
  const sources = words.map((word): Source => {
    const heredoc = isMarker(word) ? left.shift() : undefined
    return heredoc === undefined ? { kind: 'path', path: word.word() } : { kind: 'heredoc', heredoc }
  })
  const lost = left[0]
  if (lost !== undefined)
    throw heredocError(lost, 'write << and the name of the heredoc as one word, without a space in it')
  return sources
}

function noDestination(statement: Statement): DockerfileError {
  return missing(statement, 'at least one source, and a destination after it')
}

function heredocError(at: { readonly range: Word['range'] }, message: string): DockerfileError {
  return new DockerfileError('HEREDOC_INVALID', message, at.range)
}
