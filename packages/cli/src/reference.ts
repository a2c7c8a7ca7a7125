import { COMMANDS } from './commands/index.ts'
import { exitCodesOf, synopses } from './help.ts'
import { type CommandSpec, EXIT_CODES, type ExitCode, GLOBAL_OPTIONS, type OptionSpec } from './spec.ts'

const GROUPS = ['Engine', 'Containers', 'Images', 'Networks', 'Volumes', 'Registry'] as const

/** The reference of the command in Markdown: what --help tells, on one page. */
export function cliReference(): string {
  const shown = COMMANDS.filter((spec) => spec.hidden !== true)
  return [
    '# The `caisson` command',
    'Made from the definitions of the commands by `node scripts/cli-docs.ts`; `caisson <command> --help` tells the same.',
    introduction(),
    ...GROUPS.flatMap((group) => [
      `## ${group}`,
      table(
        ['command', 'what it does'],
        shown.filter((spec) => spec.group === group).map((spec) => [link(spec), spec.summary]),
      ),
      ...shown.filter((spec) => spec.group === group).map(chapter),
    ]),
  ]
    .join('\n\n')
    .concat('\n')
}

function introduction(): string {
  return [
    '## For every command',
    optionTable(GLOBAL_OPTIONS),
    'Global options stand before or behind the name of the command; behind the image of `run` and `create` and the ' +
      'container of `exec` everything belongs to the program. Results go to standard output, remarks, progress and errors ' +
      'to standard error. With `--format json` a result is one JSON document, the messages of a stream (`events`, `stats`, ' +
      '`logs`, and one for each object of commands that take several) are one document a line, and an error is ' +
      '`{"error":{"code","reason","message","details","exitCode"}}` on standard error. Objects have the form of the ' +
      'contract in `proto/`, as protocol buffers define it for JSON. Go templates are not supported: use a tool such as `jq`.',
    exitTable(EXIT_CODES),
  ].join('\n\n')
}

function chapter(spec: CommandSpec): string {
  const special = exitCodesOf(spec).slice(EXIT_CODES.length)
  return [
    `### ${spec.name}`,
    `\`\`\`\n${synopses(spec).join('\n')}\n\`\`\``,
    plain(spec.description),
    ...(spec.options ? [optionTable(spec.options)] : []),
    `\`\`\`sh\n${spec.examples.map(({ command, shows }) => `# ${shows}\n${command}`).join('\n')}\n\`\`\``,
    ...(special.length > 0 ? [exitTable(special)] : []),
  ].join('\n\n')
}

function optionTable(options: readonly OptionSpec[]): string {
  return table(
    ['option', ''],
    options.map(({ flags, help, many }) => [`\`${flags}\``, many ? `${help} (may be repeated)` : help]),
  )
}

function exitTable(codes: readonly ExitCode[]): string {
  return table(
    ['exit code', ''],
    codes.map(({ code, means }) => [code, means]),
  )
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(plain).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** What Markdown would take for a tag or the end of a cell; code spans keep their signs. */
function plain(text: string): string {
  const parts = text.replaceAll('|', '\\|').split('`')
  return parts.map((part, index) => (index % 2 === 0 ? part.replaceAll('<', '&lt;') : part)).join('`')
}

function link({ name }: CommandSpec): string {
  return `[${name}](#${name.replaceAll(' ', '-')})`
}
