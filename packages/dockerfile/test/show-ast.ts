import type { CommandForm, Dockerfile, Instruction, Source, Word } from '../src/index.ts'
import { at, quoted } from './show-words.ts'

/** A line for each instruction, with its place. */
export function showAst({ directives, globalArgs, stages, warnings }: Dockerfile): string[] {
  const { escape: escapeChar, syntax, check } = directives
  return [
    ...(escapeChar === '\\' ? [] : [`escape ${escapeChar}`]),
    ...(syntax === undefined ? [] : [`syntax ${syntax.text}${at(syntax.range)}`]),
    ...(check === undefined
      ? []
      : [`check skip=${check.skip} experimental=${check.experimental} error=${check.error}`]),
    ...globalArgs.map((arg) => `global${showInstruction(arg)}`),
    ...stages.flatMap(({ index, name, from, instructions }) => [
      `stage ${index}${name === undefined ? '' : ` ${name}`}${at(from.range)} ${quoted(from.base.text)}${optional(' on ', from.platform)}`,
      ...instructions.map(showInstruction),
    ]),
    ...warnings.map(({ rule, range }) => `warns ${rule}${at(range)}`),
  ]
}

const optional = (label: string, word: Word | undefined): string =>
  word === undefined ? '' : label + quoted(word.text)

function showInstruction(instruction: Instruction): string {
  return `${at(instruction.range)} ${instruction.name} ${showParts(instruction)}`
}

function showParts(one: Instruction): string {
  switch (one.name) {
    case 'ARG':
      return one.args.map(({ key, value }) => quoted(key.text) + optional('=', value)).join(' ')
    case 'ENV':
    case 'LABEL': {
      const pairs = one.pairs.map(({ key, value }) => `${quoted(key.text)}=${quoted(value.text)}`).join(' ')
      return one.isLegacy ? `legacy ${pairs}` : pairs
    }
    case 'RUN': {
      const mounts = one.mounts.map(({ fields }) =>
        fields.map(({ key, value }) => (value === undefined ? key : `${key}=${value}`)).join(','),
      )
      const flags = [
        ...mounts.map((mount) => `mount(${mount})`),
        ...(one.network === undefined ? [] : [`network=${one.network}`]),
        ...(one.security === undefined ? [] : [`security=${one.security}`]),
      ]
      return [...flags, showCommand(one.command), ...one.heredocs.map(showHeredoc)].join(' ')
    }
    case 'CMD':
    case 'ENTRYPOINT':
      return showCommand(one.command)
    case 'SHELL':
      return JSON.stringify(one.shell)
    case 'COPY':
    case 'ADD':
      return showCopy(one)
    case 'WORKDIR':
    case 'USER':
    case 'STOPSIGNAL':
    case 'MAINTAINER':
      return quoted(one.value.text)
    case 'VOLUME':
    case 'EXPOSE':
      return one.values.map(({ text }) => quoted(text)).join(' ')
    case 'HEALTHCHECK': {
      if (one.check === undefined) return 'none'
      const { command, commandRange: _range, isBrokenJson: _broken, ...times } = one.check
      return [showCommand(command), ...Object.entries(times).map(([name, value]) => `${name}=${value}`)].join(' ')
    }
    case 'ONBUILD':
      return `(${showInstruction(one.trigger).trim()}) keeps ${JSON.stringify(one.expression)}`
    case 'UNSET':
      return [one.kind, ...one.names.map(({ text }) => quoted(text))].join(' ')
  }
}

function showCopy(one: Extract<Instruction, { name: 'COPY' | 'ADD' }>): string {
  const flags = [
    one.name === 'COPY' ? optional('from=', one.from) : optional('checksum=', one.checksum),
    one.name === 'COPY' && one.parents ? 'parents' : '',
    one.name === 'ADD' && one.keepGitDir ? 'keep-git-dir' : '',
    one.name === 'ADD' && one.unpack !== undefined ? `unpack=${one.unpack}` : '',
    optional('chown=', one.chown),
    optional('chmod=', one.chmod),
    one.link ? 'link' : '',
    ...one.exclude.map(({ text }) => `exclude=${text}`),
  ].filter((flag) => flag !== '')
  return [...flags, ...one.sources.map(showSource), '->', quoted(one.destination.text)].join(' ')
}

function showSource(source: Source): string {
  return source.kind === 'path' ? quoted(source.path.text) : showHeredoc(source.heredoc)
}

function showHeredoc({ name, content, stripTabs, expand }: Extract<Source, { kind: 'heredoc' }>['heredoc']): string {
  const kinds = `${stripTabs ? ' strip' : ''}${expand ? '' : ' literal'}`
  return `heredoc(${name}${kinds} ${JSON.stringify(content)})`
}

function showCommand(command: CommandForm): string {
  return command.form === 'exec' ? `exec ${JSON.stringify(command.args)}` : `shell ${JSON.stringify(command.line)}`
}
