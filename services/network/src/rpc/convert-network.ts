import { invalid, unimplemented } from '@caisson/api'
import type { CreateNetworkRequest, Subnet as SubnetMessage } from '@caisson/api/network'
import { type Ipv4, parseIpv4, parseSubnet, type Subnet } from '../ipam/ipv4.ts'
import { type AddressWish, METADATA_OPTION, type NetworkRequest } from '../network/network.ts'
import { auxiliaryName, bridgeName, labels, networkName, requestId } from './checks.ts'

const BRIDGE_NAME = 'com.docker.network.bridge.name'
const ENABLE_ICC = 'com.docker.network.bridge.enable_icc'
const MASQUERADE = 'com.docker.network.bridge.enable_ip_masquerade'
const MTU = 'com.docker.network.driver.mtu'
const KNOWN_OPTIONS: readonly string[] = [BRIDGE_NAME, ENABLE_ICC, MASQUERADE, MTU, METADATA_OPTION]

const MOST_AUXILIARY = 256
// IPv4 needs 68 (RFC 791); a packet has 65,535 at most.
const SMALLEST_MTU = 68
const GREATEST_MTU = 65_535

/** Checks and converts a request. Throws `invalid-argument`, and `unimplemented` for what this version does not do. */
export function networkRequestOf(message: CreateNetworkRequest): NetworkRequest {
  const name = networkName(message.name)
  refuseUnimplemented(message)
  const { options } = message
  requireMetadataChoice(options[METADATA_OPTION])
  return {
    name,
    addresses: addressesOf(message.subnets),
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

function refuseUnimplemented({ driver, ipv6, options, subnets }: CreateNetworkRequest): void {
  if (driver === 'host' || driver === 'none')
    throw invalid(`there is one network of driver ${driver}, and it comes with the engine`, {
      details: { field: 'driver' },
    })
  if (driver !== '' && driver !== 'bridge') throw missing('driver', `the driver ${JSON.stringify(driver.slice(0, 80))}`)
  if (ipv6) throw missing('ipv6', 'IPv6')
  if (subnets.length > 1) throw missing('subnets', 'more than one subnet a network')
  const unknown = Object.keys(options).find((option) => !KNOWN_OPTIONS.includes(option))
  if (unknown !== undefined)
    throw missing('options', `the option ${JSON.stringify(unknown.slice(0, 80))}: it knows ${KNOWN_OPTIONS.join(', ')}`)
}

function addressesOf([message]: readonly SubnetMessage[]): AddressWish {
  const { subnet = '', gateway = '', ipRange = '', auxiliaryAddresses = {} } = message ?? {}
  if (subnet === '' && (gateway !== '' || ipRange !== '' || Object.keys(auxiliaryAddresses).length > 0))
    throw invalid('gateway, ip_range and auxiliary_addresses go with a subnet: name it, too', {
      details: { field: 'subnets' },
    })
  if (Object.keys(auxiliaryAddresses).length > MOST_AUXILIARY)
    throw invalid(`a subnet has ${MOST_AUXILIARY} auxiliary_addresses at most: use ip_range to keep more`, {
      details: { field: 'subnets' },
    })
  return {
    subnet: subnet === '' ? undefined : subnetOf('subnet', subnet),
    gateway: gateway === '' ? undefined : addressOf('gateway', gateway),
    range: ipRange === '' ? undefined : subnetOf('ip_range', ipRange),
    auxiliary: Object.fromEntries(
      Object.entries(auxiliaryAddresses).map(([name, address]) => [
        auxiliaryName(name),
        addressOf('auxiliary_addresses', address),
      ]),
    ),
  }
}

function subnetOf(field: string, text: string): Subnet {
  const subnet = parseSubnet(text)
  if (subnet !== undefined) return subnet
  if (text.includes(':')) throw missing('subnets', 'IPv6 subnets')
  throw invalid(`${field} ${JSON.stringify(text.slice(0, 80))} is not an IPv4 subnet such as 10.1.0.0/16`, {
    reason: 'SUBNET_INVALID',
    details: { field },
  })
}

function addressOf(field: string, text: string): Ipv4 {
  const address = parseIpv4(text)
  if (address !== undefined) return address
  throw invalid(`${field} ${JSON.stringify(text.slice(0, 80))} is not an IPv4 address`, { details: { field } })
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

function requireMetadataChoice(value: string | undefined): void {
  if (value === undefined || value === 'allow' || value === 'deny') return
  throw invalid(`the option ${METADATA_OPTION} is neither allow nor deny`, { details: { field: 'options' } })
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
