import { type Effect, type FileMode, listPorts, type ResolvedCopy, type ResolvedSource } from '../src/index.ts'
import { quoted } from './show-words.ts'

const DEFAULTS: Readonly<Record<string, unknown>> = { network: 'default', security: 'sandbox', workingDir: '/' }

/** A line for what an instruction comes to; what is not said is the default. */
export function showEffect(effect: Effect): string {
  return `${effect.name} ${showParts(effect)}`.trimEnd()
}

function showParts(effect: Effect): string {
  switch (effect.name) {
    case 'RUN': {
      const { command, mounts, env } = effect
      const told = (['network', 'security', 'workingDir'] as const).filter((name) => effect[name] !== DEFAULTS[name])
      return [
        command.kind === 'exec'
          ? JSON.stringify(command.args)
          : `file ${command.name} ${JSON.stringify(command.content)}`,
        ...mounts.map((mount) => fields(mount)),
        ...told.map((name) => `${name}=${effect[name]}`),
        ...env.filter(([name]) => name !== 'PATH').map(([name, value]) => `${name}=${quoted(value)}`),
      ].join(' ')
    }
    case 'COPY': {
      const from = effect.from === undefined ? '' : `from=${effect.from.text}`
      return words(from, effect.parents ? 'parents' : '', showCopy(effect))
    }
    case 'ADD': {
      const { checksum = '', keepGitDir, unpack } = effect
      return words(
        checksum,
        keepGitDir ? 'keep-git-dir' : '',
        unpack === undefined ? '' : `unpack=${unpack}`,
        showCopy(effect),
      )
    }
    case 'ARG':
      return effect.args.map(([name, value]) => (value === undefined ? name : `${name}=${quoted(value)}`)).join(' ')
    case 'ENV':
    case 'LABEL':
      return effect.pairs.map(([name, value]) => `${quoted(name)}=${quoted(value)}`).join(' ')
    case 'CMD':
    case 'ENTRYPOINT':
    case 'SHELL':
      return JSON.stringify(effect.args)
    case 'WORKDIR':
    case 'USER':
    case 'STOPSIGNAL':
    case 'MAINTAINER':
      return quoted(effect.value)
    case 'VOLUME':
      return effect.paths.map(quoted).join(' ')
    case 'EXPOSE':
      return effect.ports.flatMap(listPorts).join(' ')
    case 'HEALTHCHECK': {
      const { name: _name, test, ...times } = effect
      return words(JSON.stringify(test), ...Object.entries(times).map(([name, value]) => `${name}=${value}`))
    }
    case 'ONBUILD':
      return JSON.stringify(effect.expression)
    case 'UNSET':
      return words(effect.kind, ...effect.names.map(quoted))
  }
}

function showCopy({ sources, destination, chown, chmod, link, exclude }: ResolvedCopy): string {
  return words(
    chown === undefined ? '' : `chown=${chown.user}${chown.group === undefined ? '' : `:${chown.group}`}`,
    chmod === undefined ? '' : `chmod=${showMode(chmod)}`,
    link ? 'link' : '',
    ...exclude.map((pattern) => `exclude=${pattern}`),
    ...sources.map(showSource),
    '->',
    quoted(destination),
  )
}

function showMode(mode: FileMode): string {
  if (mode.kind === 'octal') return mode.mode.toString(8)
  return mode.clauses.map(({ who, operator, permissions }) => who.join('') + operator + permissions).join(',')
}

function showSource(source: ResolvedSource): string {
  if (source.kind === 'path') return quoted(source.path) + (source.pivot === undefined ? '' : ` below ${source.pivot}`)
  if (source.kind === 'inline') return `inline(${source.name} ${JSON.stringify(source.content)})`
  return `${source.kind}(${source.url})`
}

function fields(object: object): string {
  const shown = Object.entries(object).map(([name, value]) => `${name}=${name === 'mode' ? value.toString(8) : value}`)
  return `mount(${shown.sort().join(',')})`
}

const words = (...all: readonly string[]): string => all.filter((word) => word !== '').join(' ')
