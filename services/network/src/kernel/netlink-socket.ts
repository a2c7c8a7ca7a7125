import { getSystemErrorName } from 'node:util'
import {
  type Answer,
  eachAnswer,
  encodeMessages,
  type Message,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  type Refusal,
  refusalOf,
} from './message.ts'
import { native } from './native.ts'

export const NETLINK_ROUTE = 0
export const NETLINK_NETFILTER = 12

const DUMP_TRIES = 5

/** The kernel refused a message. `index` is its place in the batch; `code` is the name of the errno ("EEXIST"). */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError'
  readonly code: string
  readonly errno: number
  readonly index: number

  constructor(operation: string, refusal: Refusal, index: number) {
    const code = errnoName(refusal.errno)
    super(`${operation}: ${code}${refusal.reason === '' ? '' : `: ${refusal.reason}`}`)
    this.code = code
    this.errno = refusal.errno
    this.index = index
  }
}

function errnoName(errno: number): string {
  // Not every number of Linux is known to libuv.
  const name = getSystemErrorName(-errno)
  return name.startsWith('Unknown') ? `E${errno}` : name
}

/** True for an error of the kernel, from an answer or from a system call, with one of these names. */
export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)

/**
 * One netlink socket. Requests are synchronous: the kernel has answered when send returns. `operation` names what is
 * tried, for messages of errors.
 */
export class NetlinkSocket implements Disposable {
  #fd: number
  #sequence = 1
  #busy: Promise<unknown> | undefined

  private constructor(fd: number) {
    this.#fd = fd
  }

  /** In the namespace given, or in the process's own. */
  static open(protocol: number, namespaceFd?: number): NetlinkSocket {
    return new NetlinkSocket(native.openNetlink(protocol, namespaceFd))
  }

  /** Takes over a descriptor of the addon. */
  static adopt(fd: number): NetlinkSocket {
    return new NetlinkSocket(fd)
  }

  /** Sends all messages at once; throws the first refusal. Messages behind a refused one have still been carried out,
   * unless the family has transactions. */
  request(operation: string, messages: readonly Message[]): Answer[] {
    if (this.#busy !== undefined) throw new Error(`${operation}: the netlink socket waits for another answer`)
    const first = this.#take(messages.length)
    return check(operation, first, native.request(this.#open(), encodeMessages(messages, first)))
  }

  /** As request, off the event loop, one after another. A socket that is used so is used in no other way meanwhile. */
  requestAsync(operation: string, messages: readonly Message[]): Promise<Answer[]> {
    const before = this.#busy ?? Promise.resolve()
    const mine = before.catch(() => undefined).then(() => this.#exchange(operation, messages))
    this.#busy = mine
    const done = (): void => {
      if (this.#busy === mine) this.#busy = undefined
    }
    mine.then(done, done)
    return mine
  }

  /** The entries of a dump; tried again when something changed under it. */
  dump(operation: string, message: Message): Answer[] {
    for (let tries = 0; tries < DUMP_TRIES; tries++) {
      const answers = this.request(operation, [message])
      if (answers.every((answer) => (answer.flags & NLM_F_DUMP_INTR) === 0)) return answers
    }
    throw new Error(`${operation}: the kernel's list kept changing`)
  }

  [Symbol.dispose](): void {
    if (this.#fd < 0) return
    const fd = this.#fd
    this.#fd = -1
    native.closeDescriptor(fd)
  }

  async #exchange(operation: string, messages: readonly Message[]): Promise<Answer[]> {
    const first = this.#take(messages.length)
    return check(operation, first, await native.requestAsync(this.#open(), encodeMessages(messages, first)))
  }

  #open(): number {
    if (this.#fd < 0) throw new Error('the netlink socket is closed')
    return this.#fd
  }

  #take(count: number): number {
    // A batch must not wrap around.
    if (this.#sequence + count > 0x7fffffff) this.#sequence = 1
    const first = this.#sequence
    this.#sequence += count
    return first
  }
}

/** The data among the answers; throws the first refusal. */
function check(operation: string, firstSequence: number, bytes: Uint8Array): Answer[] {
  const data: Answer[] = []
  for (const answer of eachAnswer(bytes)) {
    const refusal = refusalOf(answer)
    if (refusal !== undefined) throw new NetlinkError(operation, refusal, answer.sequence - firstSequence)
    if (answer.type !== NLMSG_DONE && answer.type !== NLMSG_ERROR) data.push(answer)
  }
  return data
}
