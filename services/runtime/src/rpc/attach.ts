import { type Handlers, invalid } from '@caisson/api'
import type { AttachRequest, AttachResponse, AttachTarget, ContainersDefinition } from '@caisson/api/container'
import type { ContainerAccess } from '../access.ts'
import { attachContainer, outputOf } from '../attach/attach-container.ts'
import type { AttachInput } from '../attach/input.ts'
import type { LogPosition } from '../log/position.ts'
import { REMOVED_EXIT, toExitStatus } from './exit-status.ts'
import { type OutputMessage, toFewMessages } from './output.ts'
import { toSize } from './size.ts'

type Item = NonNullable<AttachResponse['item']>

/** Containers.Attach. */
export function attach(access: ContainerAccess): Handlers<typeof ContainersDefinition>['attach'] {
  return async function* (requests, { signal }) {
    const [target, inputs] = await splitFirst(requests)
    for await (const step of attachContainer(access, toRequest(target), inputs, signal)) {
      if (step.kind === 'attached') yield attached({ id: step.container.id, tty: step.container.spec.process.tty })
      else if (step.kind === 'entries') for (const item of toFewMessages(step.entries)) yield { item }
      else yield { item: { $case: 'exited', value: toExitStatus(step.exit ?? REMOVED_EXIT) } }
    }
  }
}

/** Containers.Resize. */
export function resize(access: ContainerAccess): Handlers<typeof ContainersDefinition>['resize'] {
  return async ({ container, size }) => {
    await access.resize(access.resolve(container).id, toSize(size))
    return {}
  }
}

/** The messages of Containers.Run with `output`: what a container wrote behind a place, until its end. */
export async function* runOutput(
  access: ContainerAccess,
  id: string,
  from: LogPosition,
  signal: AbortSignal,
): AsyncGenerator<OutputMessage> {
  for await (const entries of outputOf(access, id, from, signal)) yield* toFewMessages(entries)
}

function attached(value: { id: string; tty: boolean }): { item: Item } {
  return { item: { $case: 'attached', value } }
}

function toRequest(target: AttachTarget) {
  const { container, stdin, noOutput, logs, start } = target
  return { container, stdin, output: !noOutput, logs, start }
}

/** The target that the first message names, and what the others say. */
async function splitFirst(requests: AsyncIterable<AttachRequest>): Promise<[AttachTarget, AsyncIterable<AttachInput>]> {
  const messages = requests[Symbol.asyncIterator]()
  const first = await messages.next()
  const item = first.done ? undefined : first.value.item
  if (item?.$case !== 'target') throw invalid('the first message must name the target')
  return [item.value, toInputs(rest(messages))]
}

/** What an iterator has left. Leaving the loop early does not end the iterator, which would cut the call off. */
export function rest<T>(iterator: AsyncIterator<T>): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) }
}

/** What a client says after its first message. Throws on a message that does not belong there. */
export async function* toInputs(
  requests: AsyncIterable<{ readonly item?: InputItem | { readonly $case: 'target' } | undefined }>,
): AsyncGenerator<AttachInput> {
  for await (const { item } of requests) {
    if (!item || item.$case === 'target') throw invalid('only the first message may name the target')
    yield toInput(item)
  }
}

type InputItem = Exclude<NonNullable<AttachRequest['item']>, { $case: 'target' }>

function toInput(item: InputItem): AttachInput {
  switch (item.$case) {
    case 'stdin':
      return { kind: 'stdin', data: item.value }
    case 'stdinEnd':
      return { kind: 'stdinEnd' }
    case 'resize':
      return { kind: 'resize', size: toSize(item.value) }
    case 'signal':
      return { kind: 'signal', signal: item.value }
  }
}
