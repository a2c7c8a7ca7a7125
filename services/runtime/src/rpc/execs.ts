import type { Partially } from '@caisson/api'
import { type Handlers, invalid, toTimestamp } from '@caisson/api'
import type { AttachResponse } from '@caisson/api/container'
import type {
  ExecAttachRequest,
  ExecAttachTarget,
  Exec as ExecMessage,
  ExecSpec as ExecSpecMessage,
  ExecsDefinition,
} from '@caisson/api/exec'
import { checkUser } from '../container/program.ts'
import type { Exec, ExecSpec } from '../exec/exec.ts'
import type { Execs, ExecTarget } from '../exec/execs.ts'
import { rest, toInputs } from './attach.ts'
import { reference, text, wrong } from './checks.ts'
import { processOut } from './convert.ts'
import { REMOVED_EXIT, toExitStatus } from './exit-status.ts'
import { toFewMessages } from './output.ts'
import { toSize } from './size.ts'
import { processIn } from './spec-in.ts'

/** caisson.runtime.v1.Execs. */
export function execHandlers(execs: Execs): Handlers<typeof ExecsDefinition> {
  return {
    create: async ({ spec, requestId }) => {
      const { container, ...wanted } = specIn(spec)
      return execOut(execs.create(container, wanted, text('request_id', requestId, 256)))
    },
    start: async ({ id }) => execOut(await execs.start(execId(id))),
    attach: (requests, { signal }) => attach(execs, requests, signal),
    get: async ({ id }) => execOut(execs.get(execId(id))),
    list: async ({ container }) => ({ execs: execs.list(reference('container', container)).map(execOut) }),
    kill: async ({ id, signal }) => {
      execs.kill(execId(id), text('signal', signal, 40))
      return {}
    },
    resize: async ({ id, size }) => {
      execs.resize(execId(id), toSize(size))
      return {}
    },
  }
}

async function* attach(
  execs: Execs,
  requests: AsyncIterable<ExecAttachRequest>,
  signal: AbortSignal,
): AsyncGenerator<Partially<AttachResponse>> {
  const messages = requests[Symbol.asyncIterator]()
  const first = await messages.next()
  const item = first.done ? undefined : first.value.item
  if (item?.$case !== 'target') throw invalid('the first message must name the target')
  const size = item.value.terminalSize && toSize(item.value.terminalSize)
  for await (const step of execs.attach(targetIn(item.value), size, toInputs(rest(messages)), signal)) {
    if (step.kind === 'attached') {
      const { id, spec } = step.exec
      yield { item: { $case: 'attached', value: { id, tty: spec.process.tty } } }
    } else if (step.kind === 'entries') for (const message of toFewMessages(step.entries)) yield { item: message }
    else yield { item: { $case: 'exited', value: toExitStatus(step.exit ?? REMOVED_EXIT) } }
  }
}

function targetIn({ exec }: ExecAttachTarget): ExecTarget {
  if (exec?.$case === 'id') return { kind: 'made', id: execId(exec.value) }
  const { container, ...spec } = specIn(exec?.value)
  return { kind: 'new', container, spec }
}

function specIn(spec: ExecSpecMessage | undefined): ExecSpec & { container: string } {
  if (!spec) throw wrong('spec', 'it is missing')
  const process = processIn(spec.process)
  if (process.entrypoint) throw wrong('spec.process.entrypoint', 'an exec has none: give the whole command as cmd')
  if (!process.cmd || process.cmd.length === 0 || process.cmd[0] === '')
    throw wrong('spec.process.cmd', 'there is no command: name one')
  checkUser(process.user, 'host')
  return {
    container: reference('spec.container', spec.container),
    process,
    privileged: spec.privileged,
    endWithClient: spec.endWithClient,
  }
}

function execOut(exec: Exec): Partially<ExecMessage> {
  return {
    id: exec.id,
    containerId: exec.containerId,
    spec: specOut(exec),
    running: exec.state === 'running',
    pid: exec.process?.pid ?? 0,
    exit: exec.exit && toExitStatus(exec.exit),
    createdAt: toTimestamp(exec.createdNs),
  }
}

function specOut({ containerId, spec }: Exec): Partially<ExecSpecMessage> {
  const { process, privileged, endWithClient } = spec
  return { container: containerId, process: processOut(process), privileged, endWithClient }
}

const ID = /^[0-9a-f]{64}$/

function execId(id: string): string {
  if (!ID.test(id)) throw invalid(`${JSON.stringify(id.slice(0, 80))} is no id of an exec: 64 hexadecimal digits`)
  return id
}
