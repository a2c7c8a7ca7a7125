import { invalid, unimplemented } from '@caisson/api'
import type { CreateNetworkRequest } from '@caisson/api/network'
import type { NetworkRequest } from '../network/network.ts'
import { bridgeName, labels, networkName, requestId } from './checks.ts'
import { addressWishesOf } from './convert-subnets.ts'

const BRIDGE_NAME = 'com.docker.network.bridge.name'
const ENABLE_ICC = 'com.docker.network.bridge.enable_icc'
const MASQUERADE = 'com.docker.network.bridge.enable_ip_masquerade'
const MTU = 'com.docker.network.driver.mtu'
const KNOWN_OPTIONS: readonly string[] = [BRIDGE_NAME, ENABLE_ICC, MASQUERADE, MTU]

// IPv4 needs 68 (RFC 791); a packet has 65,535 at most.
const SMALLEST_MTU = 68
const GREATEST_MTU = 65_535

/** Checks and converts a request. Throws `invalid-argument`, and `unimplemented` for what this version does not do. */
export function networkRequestOf(message: CreateNetworkRequest): NetworkRequest {
  const name = networkName(message.name)
  refuseUnimplemented(message)
  const { options } = message
  return {
    name,
    ...addressWishesOf(message.subnets, message.ipv6),
    internal: message.internal,
    mtu: mtuOf(message.mtu, options[MTU]),
    labels: labels(message.labels),
    options: { ...options },
    bridgeName: options[BRIDGE_NAME] === undefined ? undefined : bridgeName(BRIDGE_NAME, options[BRIDGE_NAME]),
    isolated: !switchOf(options, ENABLE_ICC),
    masquerade: switchOf(options, MASQUERADE),
    requestId: requestId(message.requestId),
  }
}

function refuseUnimplemented({ driver, options }: CreateNetworkRequest): void {
  if (driver === 'host' || driver === 'none')
    throw invalid(`there is one network of driver ${driver}, and it comes with the engine`, {
      details: { field: 'driver' },
    })
  if (driver !== '' && driver !== 'bridge') throw missing('driver', `the driver ${JSON.stringify(driver.slice(0, 80))}`)
  const unknown = Object.keys(options).find((option) => !KNOWN_OPTIONS.includes(option))
  if (unknown !== undefined)
    throw missing('options', `the option ${JSON.stringify(unknown.slice(0, 80))}: it knows ${KNOWN_OPTIONS.join(', ')}`)
}

function mtuOf(field: number, option: string | undefined): number | undefined {
  const mtu = option === undefined ? field : Number(/^\d{1,5}$/.test(option) ? option : Number.NaN)
  if (field !== 0 && mtu !== field) throw invalid(`mtu and the option ${MTU} differ: give one of them`)
  if (mtu === 0) return undefined
  if (mtu >= SMALLEST_MTU && mtu <= GREATEST_MTU) return mtu
  throw invalid(`the mtu ${option ?? field} is not ${SMALLEST_MTU} to ${GREATEST_MTU} bytes`, {
    details: { field: 'mtu' },
  })
}

/** True unless it is switched off. */
function switchOf(options: Readonly<Record<string, string>>, option: string): boolean {
  const value = options[option]
  if (value === undefined || value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw invalid(`the option ${option} is neither true nor false`, { details: { field: 'options' } })
}

const missing = (field: string, what: string) =>
  unimplemented(`this version of the network service does not know ${what}`, { details: { field } })
