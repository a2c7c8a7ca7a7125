import { join } from 'node:path'
import { invalid } from './error/error.ts'

/** The services of a host, in the order in which they are of use. Each listens on DIR/run/<name>.sock. */
export const SERVICES = ['image-store', 'network', 'runtime'] as const
/** The registry is no part of an engine: who wants one starts it beside. */
export type ServiceName = (typeof SERVICES)[number] | 'registry'

/** The most bytes of a unix socket's path (sun_path, with its NUL). */
const MAX_SOCKET_PATH = 107

/** The gRPC address of a service whose sockets are in `runDir`. */
export function socketAddress(runDir: string, service: ServiceName): string {
  const path = join(runDir, `${service}.sock`)
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH)
    throw invalid(`the socket path ${path} is longer than ${MAX_SOCKET_PATH} bytes: choose a shorter --root`, {
      reason: 'PATH_TOO_LONG',
    })
  return `unix://${path}`
}
