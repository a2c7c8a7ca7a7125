import { setTimeout as sleep } from 'node:timers/promises'
import { CaissonError } from '@caisson/api'
import { type Container, isRunning, type Sandbox } from '../container/container.ts'
import type { Core } from '../container/core.ts'
import { attachmentsOf } from './attachments.ts'
import { type Known, knownNetworks } from './known-network.ts'
import { refreshFiles } from './living-files.ts'
import { takeOver } from './take-over.ts'

const FIRST_RETRY_MS = 200
const LAST_RETRY_MS = 30_000

/**
 * Makes a container that runs connected to what is written down of it, and to nothing else, and its record and files say so:
 * a service that died amid a change, or a call whose outcome is not known, left one of them behind. For who holds its lock.
 */
export async function agree(core: Core, id: string, signal: AbortSignal): Promise<void> {
  const container = core.table.get(id)
  if (!container || !isRunning(container)) return
  const isBridge = container.spec.network.mode === 'bridge'
  if (!isBridge && container.sandbox) return
  const found = await sandboxIfAny(core, id, signal)
  if (!found) return
  const sandbox = isBridge ? await mended(core, container, found, signal) : found
  if (isTold(container, sandbox)) refreshFiles(core, container)
  else takeOver(core, id, { sandbox })
}

/** Does the same for several, in the background, until it is done; one that cannot be done yet holds up no other. */
export async function agreeSoon(core: Core, ids: readonly string[], signal: AbortSignal): Promise<void> {
  let left = ids
  for (let delay = FIRST_RETRY_MS; ; delay = Math.min(delay * 2, LAST_RETRY_MS)) {
    left = await failing(core, left, signal)
    if (left.length === 0 || signal.aborted) return
    await sleep(delay, undefined, { signal }).catch(() => {})
  }
}

async function failing(core: Core, ids: readonly string[], signal: AbortSignal): Promise<string[]> {
  const failed: string[] = []
  for (const id of ids) {
    if (signal.aborted) return []
    try {
      await core.mutex.run(id, () => agree(core, id, signal))
    } catch (error) {
      core.log.info({ container: id, error: String(error) }, 'its networks cannot be compared yet: trying again')
      failed.push(id)
    }
  }
  return failed
}

async function mended(core: Core, { id, spec }: Container, found: Sandbox, signal: AbortSignal): Promise<Sandbox> {
  const wanted = await knownNetworks(core.sandboxes, attachmentsOf(spec.network), signal)
  let sandbox = found
  for (const { networkId, networkName } of found.endpoints) {
    if (wanted.some(({ network }) => network?.id === networkId)) continue
    core.log.warn({ container: id, network: networkName }, 'it is on a network that it is not to be on: taking it out')
    sandbox = await core.sandboxes.disconnect(id, networkId, true, signal)
  }
  for (const known of wanted)
    if (!isConnected(sandbox, known)) sandbox = (await connectIfPossible(core, id, known, signal)) ?? sandbox
  return sandbox
}

const isConnected = ({ endpoints }: Sandbox, { network }: Known): boolean =>
  endpoints.some(({ networkId }) => networkId === network?.id)

/** Somebody else may have its address now: then it goes without until it is started anew. */
async function connectIfPossible(
  { sandboxes, log }: Core,
  id: string,
  { attachment, network }: Known,
  signal: AbortSignal,
): Promise<Sandbox | undefined> {
  if (!network) return undefined
  log.warn({ container: id, network: network.name }, 'it is not on a network that it is to be on: connecting it')
  try {
    return await sandboxes.connect(id, attachment, signal)
  } catch (error) {
    if (isUnsure(error)) throw error
    log.error({ container: id, network: network.name, error: String(error) }, 'it cannot be connected')
    return undefined
  }
}

/** Undefined when its network is lost. */
async function sandboxIfAny({ sandboxes }: Core, id: string, signal: AbortSignal): Promise<Sandbox | undefined> {
  try {
    return await sandboxes.get(id, signal)
  } catch (error) {
    if (isLost(error)) return undefined
    throw error
  }
}

const isTold = ({ sandbox }: Container, found: Sandbox): boolean => facts(sandbox) === facts(found)

/** What is known of a sandbox, in one order. */
function facts(sandbox: Sandbox | undefined): string {
  if (!sandbox) return ''
  const { endpoints, ports = [], hosts, resolvConf, namespacePath } = sandbox
  const each = endpoints.map(({ id, networkName, interfaceName, dnsNames }) => [
    id,
    networkName,
    interfaceName,
    dnsNames,
  ])
  const published = ports.map(({ transport, hostAddress, hostPort, containerPort, count }) => [
    transport,
    hostAddress,
    ...[hostPort, containerPort, count],
  ])
  return JSON.stringify([namespacePath, hosts, resolvConf, each, published])
}

/** Whether the network service has nothing of the container any more. */
export function isLost(error: unknown): boolean {
  return error instanceof CaissonError && error.reason === 'SANDBOX_NOT_FOUND'
}

/** Whether a call may have done what it was to do. */
export function isUnsure(error: unknown): boolean {
  return ['unavailable', 'deadline-exceeded', 'cancelled', 'internal'].includes(CaissonError.from(error).code)
}
