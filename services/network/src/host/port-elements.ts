import { ipv4Bytes } from '../ipam/ipv4.ts'
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
import { lastOf, type Publication, type PublishedPort, type Transport } from '../publishing/published-port.ts'
import { ANY, AT, SPANS } from './port-rules.ts'

/** Published ports as elements of the maps of port-rules.ts: pure. */

export const protocolNumbers: Readonly<Record<Transport, number>> = { tcp: 6, udp: 17, sctp: 132 }

const EVERY_ADDRESS = { first: Uint8Array.of(0, 0, 0, 0), last: Uint8Array.of(255, 255, 255, 255) }

const portBytes = (port: number): Uint8Array => Uint8Array.of(port >>> 8, port & 0xff)

type Elements = { readonly map: string; readonly elements: readonly Element[] }

/** From here on a range that shifts its ports is packed. */
const MANY = 16

const keepsNumbers = (port: PublishedPort): boolean => port.count > 1 && port.hostPort === port.containerPort
const isPacked = (port: PublishedPort): boolean => port.count > MANY && !keepsNumbers(port)
const mapOf = (port: PublishedPort): string => (keepsNumbers(port) ? SPANS : port.hostAddress === undefined ? ANY : AT)

/** The element of the port at this place of the mapping. */
function single(port: PublishedPort, address: Uint8Array, index: number): Element {
  const place = [Uint8Array.of(protocolNumbers[port.transport]), portBytes(port.hostPort + index)]
  return {
    key: concatenate(port.hostAddress === undefined ? place : [ipv4Bytes(port.hostAddress), ...place]),
    data: concatenate([address, portBytes(port.containerPort + index)]),
  }
}

function span(port: PublishedPort, address: Uint8Array): Element {
  const protocol = Uint8Array.of(protocolNumbers[port.transport])
  const host = port.hostAddress === undefined ? undefined : ipv4Bytes(port.hostAddress)
  return {
    key: concatenate([host ?? EVERY_ADDRESS.first, protocol, portBytes(port.hostPort)]),
    keyEnd: concatenate([host ?? EVERY_ADDRESS.last, protocol, portBytes(lastOf(port))]),
    data: address,
  }
}

function elementsOf(port: PublishedPort, address: Uint8Array): Element[] {
  if (keepsNumbers(port)) return [span(port, address)]
  return Array.from({ length: port.count }, (_, index) => single(port, address, index))
}

/** The port stands last in the key, and last in the data. */
function packed(port: PublishedPort, address: Uint8Array): PackedElements {
  const first = single(port, address, 0)
  const inKey = first.key.length - 4
  return repeatElement(first, port.count, (bytes, key, data, index) => {
    bytes.writeUInt16BE(port.hostPort + index, key + inKey)
    bytes.writeUInt16BE(port.containerPort + index, data + address.length)
  })
}

/** One list a map, so that many small publications are few messages. */
function byMap(publications: readonly Publication[]): Elements[] {
  const ports = publications.flatMap(({ address, ports: all }) => all.map((port) => ({ port, address })))
  return [SPANS, AT, ANY]
    .map((map) => ({
      map,
      elements: ports
        .filter(({ port }) => mapOf(port) === map && !isPacked(port))
        .flatMap(({ port, address }) => elementsOf(port, ipv4Bytes(address))),
    }))
    .filter(({ elements }) => elements.length > 0)
}

const eachPacked = (publications: readonly Publication[]): { map: string; elements: PackedElements }[] =>
  publications.flatMap(({ address, ports }) =>
    ports.filter(isPacked).map((port) => ({ map: mapOf(port), elements: packed(port, ipv4Bytes(address)) })),
  )

export const addPorts = (table: TableName, publications: readonly Publication[]): Message[] => [
  ...byMap(publications).flatMap(({ map, elements }) => addElements(table, map, elements)),
  ...eachPacked(publications).flatMap(({ map, elements }) => addPacked(table, map, elements)),
]

/** ENOENT when one is not there. */
export const deletePorts = (table: TableName, publications: readonly Publication[]): Message[] => [
  ...byMap(publications).flatMap(({ map, elements }) => deleteElements(table, map, elements)),
  ...eachPacked(publications).flatMap(({ map, elements }) => deletePacked(table, map, elements)),
]
