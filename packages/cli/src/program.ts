import { resolve } from 'node:path'
import { CaissonError, invalid } from '@caisson/api/error'
import { layoutOf } from '@caisson/api/layout'
import { Command, CommanderError, Option } from 'commander'
import { COMMANDS } from './commands/index.ts'
import type { Context } from './context.ts'
import { Engine } from './engine.ts'
import { EXIT_OK, exitCodeOfSignal } from './exit-code.ts'
import { reportFailure } from './failure.ts'
import { commandHelp, overview } from './help.ts'
import type { Installation } from './installation.ts'
import { OptionValues } from './option-values.ts'
import { type Format, parseFormat } from './output/format.ts'
import { Output } from './output/output.ts'
import { type CommandSpec, GLOBAL_OPTIONS, type OptionSpec } from './spec.ts'
import { VERSION } from './version.ts'

/** Runs the command line and returns the exit code. */
export async function main(argv: readonly string[], installation: Installation): Promise<number> {
  endQuietlyWithoutReader()
  let chosen: { spec: CommandSpec; args: readonly string[]; options: OptionValues } | undefined
  const program = buildProgram((spec, args, options) => {
    chosen = { spec, args, options }
  })
  try {
    await program.parseAsync(['node', 'caisson', ...asOption(argv)])
  } catch (error) {
    return refuse(error, argv)
  }
  if (!chosen) {
    process.stdout.write(overview(COMMANDS))
    return EXIT_OK
  }
  return perform(chosen.spec, chosen.args, chosen.options, installation)
}

/** `help COMMAND` is `COMMAND --help`. */
function asOption(argv: readonly string[]): readonly string[] {
  const [first, ...command] = argv
  return first === 'help' ? [...command, '--help'] : argv
}

async function perform(
  spec: CommandSpec,
  args: readonly string[],
  options: OptionValues,
  installation: Installation,
): Promise<number> {
  const debug = options.flag('debug')
  let out = makeOutput('table', options)
  const interrupt = interruptSignal()
  try {
    out = makeOutput(parseFormat(options.text('format')), options)
    const context = makeContext(options, out, installation, interrupt)
    using _engine = context.engine
    const action = await spec.load()
    return (await action(context, args, options)) ?? EXIT_OK
  } catch (thrown) {
    if (interrupt.received && interrupt.signal.aborted) return exitCodeOfSignal(interrupt.received)
    return reportFailure(asFailure(thrown), out, debug)
  }
}

/** What was thrown in this process is this process's to tell: its insides are no service's secrets. */
function asFailure(thrown: unknown): CaissonError {
  const error = CaissonError.from(thrown)
  if (error === thrown || error.code !== 'internal' || !(thrown instanceof Error)) return error
  return new CaissonError('internal', `${thrown.message}: not expected; --debug tells where`, { cause: thrown })
}

function makeOutput(format: Format, options: OptionValues): Output {
  const colors = options.maybeFlag('color') !== false && !process.env['NO_COLOR'] && process.stderr.isTTY === true
  return new Output({ stdout: process.stdout, stderr: process.stderr, format, colors })
}

function makeContext(
  options: OptionValues,
  out: Output,
  installation: Installation,
  interrupt: InterruptSignal,
): Context {
  const given = options.text('root')
  const asked = given ?? process.env['CAISSON_ROOT'] ?? ''
  if (given === '') throw invalid('--root needs a directory')
  const layout = layoutOf(asked === '' ? '' : resolve(asked))
  const command = given === undefined ? 'caisson' : `caisson --root ${given}`
  return {
    layout,
    out,
    installation,
    command,
    engine: new Engine(layout, command),
    debug: options.flag('debug'),
    signal: interrupt.signal,
    takeSignals: interrupt.release,
  }
}

type Chosen = (spec: CommandSpec, args: readonly string[], options: OptionValues) => void

/** The parser, made from the commands' data. */
export function buildProgram(chosen: Chosen): Command {
  const program = prepare(new Command('caisson'), () => overview(COMMANDS))
  program.enablePositionalOptions().version(VERSION, '--version', 'show the version of this command')
  for (const option of GLOBAL_OPTIONS) program.addOption(toOption(option))
  for (const spec of COMMANDS) {
    addCommand(program, spec, spec.name, chosen)
    for (const alias of spec.aliases ?? []) addCommand(program, spec, alias, chosen)
  }
  return program
}

function addCommand(program: Command, spec: CommandSpec, name: string, chosen: Chosen): void {
  const words = name.split(' ')
  const last = words.pop() ?? name
  const parent = words.reduce((above, _, index) => findOrAdd(above, words.slice(0, index + 1)), program)
  const command = prepare(parent.command(last), () => commandHelp(spec))
  if (spec.args !== undefined) command.arguments(spec.args)
  if (spec.passThrough === true) command.passThroughOptions()
  for (const option of [...(spec.options ?? []), ...GLOBAL_OPTIONS]) command.addOption(toOption(option))
  command.action(() => {
    const above = program.opts()
    chosen(spec, command.args, new OptionValues({ ...above, ...withoutDefaults(command) }))
  })
}

/** What was really given: a default of a flag behind the command must not undo the flag before it. */
function withoutDefaults(command: Command): Record<string, unknown> {
  const given = Object.entries(command.opts()).filter(([name]) => command.getOptionValueSource(name) !== 'default')
  return Object.fromEntries(given)
}

/** The group of commands that the words name: `registry user`. */
function findOrAdd(above: Command, words: readonly string[]): Command {
  const word = words.at(-1) ?? ''
  const known = above.commands.find((command) => command.name() === word)
  if (known) return known
  return prepare(above.command(word), () => overview(COMMANDS, words.join(' '))).enablePositionalOptions()
}

function prepare(command: Command, help: () => string): Command {
  command.helpInformation = help
  return (
    command
      .exitOverride()
      .helpCommand(false)
      .helpOption('-h, --help', 'show help')
      // A group without a command shows its help, and that is a result; errors are told by who catches them.
      .configureOutput({ writeErr: (text) => process.stdout.write(text), outputError: () => {} })
      .showSuggestionAfterError(true)
  )
}

function toOption(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.help)
  if (spec.preset !== undefined) option.preset(spec.preset)
  if (spec.many === true) option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value])
  return option
}

/** Help and version end the parser by an exception too; the rest is a command line that cannot be read. */
function refuse(error: unknown, argv: readonly string[]): number {
  const out = makeOutput(argv.includes('--format=json') ? 'json' : 'table', new OptionValues({}))
  if (!(error instanceof CommanderError)) return reportFailure(CaissonError.from(error), out, false)
  if (error.exitCode === 0 || error.code === 'commander.help') return EXIT_OK
  const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ')
  return reportFailure(invalid(`${message}: see 'caisson --help'`, { reason: 'USAGE' }), out, false)
}

interface InterruptSignal {
  readonly signal: AbortSignal
  readonly received: NodeJS.Signals | undefined
  readonly release: () => void
}

function interruptSignal(): InterruptSignal {
  const controller = new AbortController()
  const names = ['SIGINT', 'SIGTERM'] as const
  let received: NodeJS.Signals | undefined
  const stop = (name: NodeJS.Signals): void => {
    // The second time there is no patience left.
    if (received) process.exit(exitCodeOfSignal(name))
    received = name
    controller.abort()
  }
  for (const name of names) process.on(name, stop)
  return {
    signal: controller.signal,
    get received() {
      return received
    },
    release: () => {
      for (const name of names) process.off(name, stop)
    },
  }
}

/** `caisson logs | head` must not end with a stack trace: nobody reads any more, so there is nothing left to do. */
function endQuietlyWithoutReader(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(exitCodeOfSignal('SIGPIPE'))
      throw error
    })
}
