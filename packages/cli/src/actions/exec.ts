import type { Partially } from '@caisson/api'
import type { ExecAttachRequest, ExecSpec } from '@caisson/api/exec'
import { EXIT_OK, exitCodeOfStatus } from '../exit-code.ts'
import type { OptionValues } from '../option-values.ts'
import { environmentOf } from '../parse/environment.ts'
import type { Action } from '../spec.ts'
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../terminal/detach-keys.ts'
import { requireTerminalInput, terminalSize } from '../terminal/local-terminal.ts'
import { runSession, type SessionInput } from '../terminal/session.ts'

/** Runs one more program in a running container. */
export const exec: Action = async (context, args, options) => {
  const spec = execSpec(args, options)
  const execs = await context.engine.execs()
  const { out } = context
  if (options.flag('detach')) {
    const { id } = await execs.create({ spec, requestId: crypto.randomUUID() }, { signal: context.signal })
    await execs.start({ id }, { signal: context.signal })
    if (out.json) out.document({ id })
    return EXIT_OK
  }
  const [tty, stdin] = [options.flag('tty'), options.flag('interactive')]
  if (tty && stdin) requireTerminalInput()
  if (!tty) context.takeSignals()
  const end = await runSession({
    tty,
    stdin,
    detachKeys: parseDetachKeys(options.text('detachKeys') ?? DEFAULT_DETACH_KEYS),
    sinks: out,
    forwardSignals: true,
    open: (input, signal) => execs.attach(requests(spec, input), { signal: AbortSignal.any([signal, context.signal]) }),
  })
  if (end.kind === 'exited') return exitCodeOfStatus(end.status)
  out.note('\r\ndetached: the program goes on')
  return EXIT_OK
}

function execSpec(args: readonly string[], options: OptionValues): Partially<ExecSpec> {
  const [container = '', ...cmd] = args
  return {
    container,
    privileged: options.flag('privileged'),
    process: {
      cmd: { values: cmd },
      env: environmentOf(options.list('envFile'), options.list('env')),
      workingDir: options.text('workdir'),
      user: options.text('user'),
      tty: options.flag('tty'),
      stdin: options.flag('interactive'),
      stdinOnce: options.flag('interactive'),
      terminalSize: options.flag('tty') ? terminalSize() : undefined,
    },
  }
}

async function* requests(
  spec: Partially<ExecSpec>,
  input: AsyncIterable<SessionInput>,
): AsyncGenerator<Partially<ExecAttachRequest>> {
  const target = { exec: { $case: 'spec' as const, value: spec }, terminalSize: spec.process?.terminalSize }
  yield { item: { $case: 'target', value: target } }
  for await (const item of input) yield { item }
}
