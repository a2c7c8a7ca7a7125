import { hasCode, NETLINK_ROUTE, NetlinkSocket } from '../kernel/netlink-socket.ts'
import { deleteGroup, setLink } from '../kernel/rtnetlink/link.ts'

type Batch = { readonly indexes: number[]; readonly done: Promise<void> }

// The kernel lets nobody else change links meanwhile: so many take it about 50 ms, and one takes 20.
const MOST_AT_ONCE = 32

/**
 * Removes interfaces of the host off the event loop. One takes the kernel tens of milliseconds, and many at once no
 * longer, so those that are asked for while others go wait for one another.
 */
export class LinkRemovals implements Disposable {
  readonly #socket = NetlinkSocket.open(NETLINK_ROUTE)
  readonly #group: number
  #before: Promise<void> = Promise.resolve()
  #next: Batch | undefined

  /** `group`: a number of a link group that is this engine's alone. */
  constructor(group: number) {
    this.#group = group
  }

  /** By index; one that is gone is no error. */
  remove(index: number): Promise<void> {
    const batch = this.#batch()
    batch.indexes.push(index)
    return batch.done
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]()
  }

  #batch(): Batch {
    if (this.#next !== undefined && this.#next.indexes.length < MOST_AT_ONCE) return this.#next
    const indexes: number[] = []
    const done = this.#before
      .catch(() => undefined)
      .then(() => {
        if (this.#next?.indexes === indexes) this.#next = undefined
        return this.#removeAll(indexes)
      })
    this.#before = done
    this.#next = { indexes, done }
    return this.#next
  }

  async #removeAll(indexes: readonly number[]): Promise<void> {
    for (const index of indexes) await this.#ignoringGone('mark an interface', setLink({ index, group: this.#group }))
    await this.#ignoringGone('remove interfaces', deleteGroup(this.#group))
  }

  async #ignoringGone(operation: string, message: ReturnType<typeof setLink>): Promise<void> {
    try {
      await this.#socket.requestAsync(operation, [message])
    } catch (error) {
      if (!hasCode(error, 'ENODEV')) throw error
    }
  }
}
