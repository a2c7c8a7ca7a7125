import { native } from './native.ts'
import { NETLINK_ROUTE, NetlinkSocket } from './netlink-socket.ts'

export type Sysctl = readonly [file: string, value: string]

/** A pinned network namespace with a routing socket inside. Disposing closes our hold on it; the pin stays. */
export class NetworkNamespace implements Disposable {
  readonly path: string
  readonly route: NetlinkSocket
  #fd: number

  private constructor(path: string, fd: number, route: NetlinkSocket) {
    this.path = path
    this.#fd = fd
    this.route = route
  }

  /** Makes one, or takes the one behind `fromFd`, and pins it on `path`, where nothing may stand yet. */
  static async create(path: string, sysctls: readonly Sysctl[], fromFd?: number): Promise<NetworkNamespace> {
    const { namespaceFd, routeFd } = await native.createNamespace(path, sysctls, fromFd)
    return new NetworkNamespace(path, namespaceFd, NetlinkSocket.adopt(routeFd))
  }

  /** Opens a pin, or any file of a network namespace. */
  static open(path: string): NetworkNamespace {
    const fd = native.openNamespace(path)
    try {
      return new NetworkNamespace(path, fd, NetlinkSocket.open(NETLINK_ROUTE, fd))
    } catch (error) {
      native.closeDescriptor(fd)
      throw error
    }
  }

  /** Its descriptor, for messages that name the namespace; valid until disposal. */
  get fd(): number {
    if (this.#fd < 0) throw new Error(`the namespace ${this.path} is closed`)
    return this.#fd
  }

  /** Files below /proc/sys/net. ENOENT when one is not there. */
  write(sysctls: readonly Sysctl[]): Promise<void> {
    return native.writeSettings(this.fd, sysctls)
  }

  [Symbol.dispose](): void {
    if (this.#fd < 0) return
    const fd = this.#fd
    this.#fd = -1
    this.route[Symbol.dispose]()
    native.closeDescriptor(fd)
  }
}

/** Removes a pin; one that is gone is no error. With it the kernel removes the namespace, its links and their other ends,
 * as soon as no process and no descriptor holds it, many at once. */
export const releaseNamespace = (path: string): void => native.releaseNamespace(path)
