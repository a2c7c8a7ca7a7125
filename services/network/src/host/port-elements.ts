import { addressBytes } from '../ipam/address.ts'
import { ipv4Bytes } from '../ipam/ipv4.ts'
import { ipv6Bytes } from '../ipam/ipv6.ts'
import type { Message } from '../kernel/message.ts'
import {
  addElements,
  addPacked,
  concatenate,
  deleteElements,
  deletePacked,
  type Element,
  type PackedElements,
  type TableName,
} from '../kernel/nftables/object.ts'
import { repeatElement } from '../kernel/nftables/packed-elements.ts'
import {
  isEvery,
  isOfFamily,
  lastOf,
  type Publication,
  type PublishedPort,
  type Transport,
} from '../publishing/published-port.ts'
import { type PortFamily, portFamilies } from './port-rules.ts'

/** Published ports as elements of the maps of port-rules.ts: pure. */

export const protocolNumbers: Readonly<Record<Transport, number>> = { tcp: 6, udp: 17, sctp: 132 }

const portBytes = (port: number): Uint8Array => Uint8Array.of(port >>> 8, port & 0xff)

type Elements = { readonly map: string; readonly elements: readonly Element[] }

/** From here on a range that shifts its ports is packed. */
const MANY = 16

const keepsNumbers = (port: PublishedPort): boolean => port.count > 1 && port.hostPort === port.containerPort
const isPacked = (port: PublishedPort): boolean => port.count > MANY && !keepsNumbers(port)
/** A mapping on the addresses of one family of the host, and the address of that family that it leads to. */
type Place = { readonly port: PublishedPort; readonly family: PortFamily; readonly address: Uint8Array }

function placesOf({ address, ipv6, ports }: Publication): Place[] {
  const targets = [
    { family: portFamilies.ipv4, address: ipv4Bytes(address) },
    ...(ipv6 === undefined ? [] : [{ family: portFamilies.ipv6, address: ipv6Bytes(ipv6.address) }]),
  ]
  return ports.flatMap((port) =>
    targets.filter(({ family }) => isOfFamily(port, family.name)).map((target) => ({ port, ...target })),
  )
}

/** The one address of the host that it is published on; undefined: every one of the family. */
const hostOf = ({ hostAddress }: PublishedPort): Uint8Array | undefined =>
  hostAddress === undefined || isEvery(hostAddress) ? undefined : addressBytes(hostAddress)

function mapOf({ port, family }: Place): string {
  if (keepsNumbers(port)) return family.spans
  return hostOf(port) === undefined ? family.any : family.at
}

/** The element of the port at this place of the mapping. */
function single({ port, address }: Place, index: number): Element {
  const place = [Uint8Array.of(protocolNumbers[port.transport]), portBytes(port.hostPort + index)]
  const host = hostOf(port)
  return {
    key: concatenate(host === undefined ? place : [host, ...place]),
    data: concatenate([address, portBytes(port.containerPort + index)]),
  }
}

function span({ port, address }: Place): Element {
  const protocol = Uint8Array.of(protocolNumbers[port.transport])
  const host = hostOf(port)
  return {
    key: concatenate([host ?? new Uint8Array(address.length), protocol, portBytes(port.hostPort)]),
    keyEnd: concatenate([host ?? new Uint8Array(address.length).fill(255), protocol, portBytes(lastOf(port))]),
    data: address,
  }
}

function elementsOf(place: Place): Element[] {
  if (keepsNumbers(place.port)) return [span(place)]
  return Array.from({ length: place.port.count }, (_, index) => single(place, index))
}

/** The port stands last in the key, and last in the data. */
function packed(place: Place): PackedElements {
  const { port, address } = place
  const first = single(place, 0)
  const inKey = first.key.length - 4
  return repeatElement(first, port.count, (bytes, key, data, index) => {
    bytes.writeUInt16BE(port.hostPort + index, key + inKey)
    bytes.writeUInt16BE(port.containerPort + index, data + address.length)
  })
}

const maps = Object.values(portFamilies).flatMap(({ spans, at, any }) => [spans, at, any])

/** One list a map, so that many small publications are few messages. */
function byMap(publications: readonly Publication[]): Elements[] {
  const places = publications.flatMap(placesOf).filter(({ port }) => !isPacked(port))
  return maps
    .map((map) => ({ map, elements: places.filter((place) => mapOf(place) === map).flatMap(elementsOf) }))
    .filter(({ elements }) => elements.length > 0)
}

const eachPacked = (publications: readonly Publication[]): { map: string; elements: PackedElements }[] =>
  publications
    .flatMap(placesOf)
    .filter(({ port }) => isPacked(port))
    .map((place) => ({ map: mapOf(place), elements: packed(place) }))

export const addPorts = (table: TableName, publications: readonly Publication[]): Message[] => [
  ...byMap(publications).flatMap(({ map, elements }) => addElements(table, map, elements)),
  ...eachPacked(publications).flatMap(({ map, elements }) => addPacked(table, map, elements)),
]

/** ENOENT when one is not there. */
export const deletePorts = (table: TableName, publications: readonly Publication[]): Message[] => [
  ...byMap(publications).flatMap(({ map, elements }) => deleteElements(table, map, elements)),
  ...eachPacked(publications).flatMap(({ map, elements }) => deletePacked(table, map, elements)),
]
