import { fstatSync, statSync } from 'node:fs'
import { conflict, exhausted, invalid } from '@caisson/api'
import { hasCode } from '../kernel/netlink-socket.ts'

/** What the kernel refuses because of what was asked, told so that the caller can do something about it. */

// Not known to Node by name.
const EXFULL = 'E54'

/** For the connection of `interfaceName` to a bridge. Anything else comes back as it is. */
export function wiringRefusal(error: unknown, interfaceName: string, networkName: string): unknown {
  if (hasCode(error, 'EEXIST'))
    return conflict(
      'INTERFACE_EXISTS',
      `the namespace has an interface ${interfaceName} already: choose another name`,
      {
        cause: error,
      },
    )
  if (hasCode(error, EXFULL))
    return exhausted('BRIDGE_FULL', `the network ${networkName} has as many containers as a bridge has ports`, {
      cause: error,
    })
  return error
}

/** For opening the namespace of a caller. Anything else comes back as it is. */
export function namespaceRefusal(error: unknown, path: string): unknown {
  if (!hasCode(error, 'ENOENT', 'EINVAL', 'ELOOP', 'ENOTDIR', 'EACCES', 'ENXIO', 'ESRCH')) return error
  return invalid(`namespace_path ${path} is not a network namespace: name a file such as /proc/PID/ns/net`, {
    reason: 'NOT_A_NAMESPACE',
    cause: error,
  })
}

/** Throws when the descriptor is of the namespace that this service, and so the host, lives in. */
export function refuseOwnNamespace(fd: number, path: string): void {
  if (statSync('/proc/self/ns/net').ino === fstatSync(fd).ino)
    throw invalid(`namespace_path ${path} is the namespace of the host: use mode HOST`, { reason: 'HOST_NAMESPACE' })
}
