import type { Partially } from '@caisson/api'
import type { AttachRequest, AttachTarget } from '@caisson/api/container'
import { unavailable } from '@caisson/api/error'
import type { Context } from '../context.ts'
import type { Containers } from '../engine.ts'
import { EXIT_OK, exitCodeOfStatus } from '../exit-code.ts'
import { isAway } from '../recover.ts'
import type { Action } from '../spec.ts'
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../terminal/detach-keys.ts'
import { terminalSize } from '../terminal/local-terminal.ts'
import { runSession, type SessionInput } from '../terminal/session.ts'

/** Connects to a running container. */
export const attach: Action = async (context, args, options) => {
  const [container = ''] = args
  const containers = await context.engine.containers()
  const { id, spec } = await containers.get({ container }, { signal: context.signal })
  const stdin = spec?.process?.stdin === true && options.maybeFlag('stdin') !== false
  return attachTo(
    context,
    containers,
    { container: id, stdin, logs: options.flag('logs') },
    {
      tty: spec?.process?.tty === true,
      detachKeys: parseDetachKeys(options.text('detachKeys') ?? DEFAULT_DETACH_KEYS),
      forward: options.maybeFlag('sigProxy') !== false,
    },
  )
}

/** Connects to a container, and starts it when the target says so, until it ends or the user detaches. */
export async function attachTo(
  context: Context,
  containers: Containers,
  target: Partially<AttachTarget>,
  how: { tty: boolean; detachKeys: Buffer; forward?: boolean },
): Promise<number> {
  const { out } = context
  const forward = how.forward !== false
  if (forward && !how.tty) context.takeSignals()
  const again = `${context.command} attach ${target.container?.slice(0, 12)}`
  const end = await runSession({
    tty: how.tty,
    stdin: target.stdin === true,
    detachKeys: how.detachKeys,
    sinks: out,
    forwardSignals: forward,
    open: (input, signal) =>
      containers.attach(requests(target, how.tty, input), { signal: AbortSignal.any([signal, context.signal]) }),
  }).catch((error: unknown) => {
    if (!isAway(error)) throw error
    throw unavailable('CONNECTION_LOST', `the runtime service went away; the container goes on: '${again}'`, {
      cause: error,
    })
  })
  if (end.kind === 'exited') return exitCodeOfStatus(end.status)
  out.note(`\r\ndetached: '${again}' connects again`)
  return EXIT_OK
}

async function* requests(
  target: Partially<AttachTarget>,
  tty: boolean,
  input: AsyncIterable<SessionInput>,
): AsyncGenerator<Partially<AttachRequest>> {
  yield { item: { $case: 'target', value: target } }
  const size = tty ? terminalSize() : undefined
  if (size) yield { item: { $case: 'resize', value: size } }
  for await (const item of input) yield { item }
}
