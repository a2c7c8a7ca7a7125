import { ipv4Bytes } from '../ipam/ipv4.ts'
import type { Message } from '../kernel/message.ts'
import { addElements, concatenate, deleteElements, type Element, type TableName } from '../kernel/nftables/object.ts'
import { lastOf, type Publication, type PublishedPort, type Transport } from '../publishing/published-port.ts'
import { ANY, AT, SPANS } from './port-rules.ts'

/** Published ports as elements of the maps of port-rules.ts: pure. */

export const protocolNumbers: Readonly<Record<Transport, number>> = { tcp: 6, udp: 17, sctp: 132 }

const EVERY_ADDRESS = { first: Uint8Array.of(0, 0, 0, 0), last: Uint8Array.of(255, 255, 255, 255) }

const portBytes = (port: number): Uint8Array => Uint8Array.of(port >>> 8, port & 0xff)

type Elements = { readonly map: string; readonly elements: readonly Element[] }

function elementsOf(port: PublishedPort, address: Uint8Array): Elements {
  const protocol = Uint8Array.of(protocolNumbers[port.transport])
  const host = port.hostAddress === undefined ? undefined : ipv4Bytes(port.hostAddress)
  if (port.count > 1 && port.hostPort === port.containerPort) return span(port, protocol, host, address)
  const elements = Array.from({ length: port.count }, (_, index) => {
    const place = [protocol, portBytes(port.hostPort + index)]
    return {
      key: concatenate(host === undefined ? place : [host, ...place]),
      data: concatenate([address, portBytes(port.containerPort + index)]),
    }
  })
  return { map: host === undefined ? ANY : AT, elements }
}

function span(port: PublishedPort, protocol: Uint8Array, host: Uint8Array | undefined, address: Uint8Array): Elements {
  const key = concatenate([host ?? EVERY_ADDRESS.first, protocol, portBytes(port.hostPort)])
  const keyEnd = concatenate([host ?? EVERY_ADDRESS.last, protocol, portBytes(lastOf(port))])
  return { map: SPANS, elements: [{ key, keyEnd, data: address }] }
}

/** One list a map, so that many small publications are few messages. */
function byMap(publications: readonly Publication[]): Elements[] {
  const all = publications.flatMap(({ address, ports }) => ports.map((port) => elementsOf(port, ipv4Bytes(address))))
  return [SPANS, AT, ANY]
    .map((map) => ({ map, elements: all.filter((each) => each.map === map).flatMap(({ elements }) => elements) }))
    .filter(({ elements }) => elements.length > 0)
}

export const addPorts = (table: TableName, publications: readonly Publication[]): Message[] =>
  byMap(publications).flatMap(({ map, elements }) => addElements(table, map, elements))

/** ENOENT when one is not there. */
export const deletePorts = (table: TableName, publications: readonly Publication[]): Message[] =>
  byMap(publications).flatMap(({ map, elements }) => deleteElements(table, map, elements))
