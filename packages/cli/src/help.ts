import { type CommandGroup, type CommandSpec, EXIT_CODES, GLOBAL_OPTIONS, type OptionSpec } from './spec.ts'

const WIDTH = 100
const GROUPS: readonly CommandGroup[] = ['Engine', 'Containers', 'Images', 'Networks', 'Volumes', 'Registry', 'Help']

/** The page that --help shows of a command. */
export function commandHelp(spec: CommandSpec): string {
  return [
    section('NAME', [`caisson ${spec.name} - ${spec.summary}`]),
    section('SYNOPSIS', synopses(spec)),
    section('DESCRIPTION', wrap(spec.description, WIDTH - 4)),
    optionSection('OPTIONS', spec.options ?? []),
    optionSection('GLOBAL OPTIONS', GLOBAL_OPTIONS),
    section(
      'EXAMPLES',
      spec.examples.flatMap(({ command, shows }) => [`# ${shows}`, command]),
    ),
    section(
      'EXIT CODES',
      exitCodesOf(spec).flatMap(({ code, means }) => columns(code, means, 9)),
    ),
  ]
    .filter((text) => text !== '')
    .join('\n\n')
    .concat('\n')
}

/** How a command is written, one line a name. */
export function synopses(spec: CommandSpec): string[] {
  const args = spec.args === undefined ? '' : ` ${spec.args}`
  const options = (spec.options ?? []).length > 0 ? ' [options]' : ''
  return [spec.name, ...(spec.aliases ?? [])].map((name) => `caisson ${name}${options}${args}`)
}

export function exitCodesOf(spec: CommandSpec): CommandSpec['exitCodes'] & object {
  return [...EXIT_CODES, ...(spec.exitCodes ?? [])]
}

/** The page that `caisson --help` shows. `parent` limits it to the commands below one, by whatever name. */
export function overview(specs: readonly CommandSpec[], parent = ''): string {
  const shown = specs.filter((spec) => spec.hidden !== true)
  const width = Math.max(16, ...shown.flatMap((spec) => namesBelow(spec, parent)).map((name) => name.length + 2))
  const groups = GROUPS.flatMap((group) => {
    const lines = shown
      .filter((spec) => spec.group === group)
      .flatMap((spec) => namesBelow(spec, parent).flatMap((name) => columns(name, spec.summary, width)))
    return lines.length > 0 ? [section(group.toUpperCase(), lines)] : []
  })
  return [
    `caisson - run containers with an engine made of independent services`,
    section('SYNOPSIS', [
      `caisson [global options] ${parent === '' ? '' : `${parent} `}<command> [options] [arguments]`,
    ]),
    ...groups,
    optionSection('GLOBAL OPTIONS', GLOBAL_OPTIONS),
    `'caisson <command> --help' tells all about a command.`,
  ]
    .join('\n\n')
    .concat('\n')
}

function namesBelow(spec: CommandSpec, parent: string): string[] {
  if (parent === '') return [spec.name]
  return [spec.name, ...(spec.aliases ?? [])].filter((name) => name.startsWith(`${parent} `))
}

function section(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return ''
  return [title, ...lines.map((line) => (line === '' ? '' : `    ${line}`))].join('\n')
}

function optionSection(title: string, options: readonly OptionSpec[]): string {
  return section(
    title,
    options.flatMap((option) =>
      columns(option.flags, option.many ? `${option.help} (may be repeated)` : option.help, 28),
    ),
  )
}

function columns(left: string, right: string, width: number): string[] {
  const [first = '', ...rest] = wrap(right, WIDTH - 4 - width)
  const pad = ' '.repeat(width)
  const head = left.length < width - 1 ? [left.padEnd(width) + first] : [left, pad + first]
  return [...head, ...rest.map((line) => pad + line)]
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return line === '' ? lines : [...lines, line]
}
