import type { Partially } from '@caisson/api'
import type { CreateContainerRequest } from '@caisson/api/container'
import { conflict } from '@caisson/api/error'
import { containerSpec } from '../container-spec.ts'
import type { Context } from '../context.ts'
import type { Containers } from '../engine.ts'
import { EXIT_OK, exitCodeOfStatus } from '../exit-code.ts'
import type { OptionValues } from '../option-values.ts'
import { printable } from '../output/printable.ts'
import { type Ended, isAway, resumeRun } from '../recover.ts'
import type { Action } from '../spec.ts'
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../terminal/detach-keys.ts'
import { forwardSignals } from '../terminal/forward-signals.ts'
import { requireTerminalInput, terminalSize } from '../terminal/local-terminal.ts'
import { writeOutput } from '../terminal/write-output.ts'
import { parsePullPolicy, type WantedImage, withImage } from '../with-image.ts'
import { attachTo } from './attach.ts'

/** Creates and starts a container; stays with it until it ends, or leaves it in the background. */
export const run: Action = async (context, args, options) => {
  const request = createRequest(args, options)
  const containers = await context.engine.containers()
  return withImage(context, wantedImage(request, options), () => {
    if (options.flag('detach')) return runDetached(context, containers, request)
    if (options.flag('interactive') || options.flag('tty')) return runAttached(context, containers, request, options)
    return runPlain(context, containers, request)
  })
}

/** Creates a container and prints its id. */
export const create: Action = async (context, args, options) => {
  const request = createRequest(args, options)
  const containers = await context.engine.containers()
  const { id, name, warnings } = await withImage(context, wantedImage(request, options), () =>
    containers.create(request, { signal: context.signal }),
  )
  showCreated(context, { id, name, warnings })
  return EXIT_OK
}

function createRequest(args: readonly string[], options: OptionValues): Partially<CreateContainerRequest> {
  const [image = '', ...cmd] = args
  // A request id makes it safe to send the request again.
  return {
    name: options.text('name'),
    spec: containerSpec(image, cmd, options, terminalSize()),
    requestId: crypto.randomUUID(),
  }
}

function wantedImage({ spec }: Partially<CreateContainerRequest>, options: OptionValues): WantedImage {
  const policy = options.parsed('pull', parsePullPolicy) ?? 'missing'
  return { image: spec?.image ?? '', platform: spec?.platform, policy, quiet: options.flag('quiet') }
}

function showCreated({ out }: Context, created: { id: string; name: string; warnings: readonly string[] }): void {
  showWarnings(out, created.warnings)
  if (out.json) out.document(created)
  else out.line(created.id)
}

function showWarnings(out: Context['out'], warnings: readonly string[]): void {
  if (!out.json) for (const warning of warnings) out.note(`${out.colors.yellow('warning:')} ${printable(warning)}`)
}

async function runDetached(
  context: Context,
  containers: Containers,
  create: Partially<CreateContainerRequest>,
): Promise<number> {
  let created: { id: string; name: string; warnings: readonly string[] } | undefined
  for await (const { item } of containers.run({ create, detach: true }, { signal: context.signal }))
    if (item?.$case === 'created') created = item.value
  if (created) showCreated(context, created)
  return EXIT_OK
}

/** Without input and terminal: one stream brings everything. Signals go to the container. */
async function runPlain(
  context: Context,
  containers: Containers,
  create: Partially<CreateContainerRequest>,
): Promise<number> {
  const { out } = context
  let id = ''
  let cursor = ''
  using _signals = new DisposableStack()
  const started = (): void => {
    context.takeSignals()
    _signals.use(
      forwardSignals((signal) => {
        containers.kill({ container: id, signal }).catch((error: Error) => out.note(`caisson: ${error.message}`))
      }),
    )
  }
  try {
    for await (const { item } of containers.run({ create, output: true }, { signal: context.signal })) {
      if (item?.$case === 'created') {
        id = item.value.id
        showWarnings(out, item.value.warnings)
      } else if (item?.$case === 'started') started()
      else if (item?.$case === 'output') {
        await writeOutput(out, item.value)
        cursor = item.value.cursor || cursor
      } else if (item?.$case === 'exited') return exitCodeOfRun(item.value)
    }
  } catch (error) {
    if (!isAway(error) || id === '') throw error
  }
  return exitCodeOfRun(await resumeRun(context.engine, id, cursor, out, context.signal))
}

/** With input or a terminal: attached before it starts, so that nothing is missed. */
async function runAttached(
  context: Context,
  containers: Containers,
  create: Partially<CreateContainerRequest>,
  options: OptionValues,
): Promise<number> {
  const [tty, stdin] = [options.flag('tty'), options.flag('interactive')]
  const detachKeys = parseDetachKeys(options.text('detachKeys') ?? DEFAULT_DETACH_KEYS)
  if (tty && stdin) requireTerminalInput()
  const { id, warnings } = await containers.create(create, { signal: context.signal })
  showWarnings(context.out, warnings)
  try {
    return await attachTo(context, containers, { container: id, stdin, start: true }, { tty, detachKeys })
  } catch (error) {
    // What could not be started is removed as what ended would be; while the service is away nobody can know.
    if (options.flag('rm') && !isAway(error))
      await containers.remove({ container: id, force: true }).catch(() => undefined)
    throw error
  }
}

function exitCodeOfRun(ended: Ended | undefined): number {
  if (ended) return exitCodeOfStatus(ended)
  throw conflict('EXIT_UNKNOWN', 'how the container ended is not known any more')
}
