import type { Message } from '../kernel/message.ts'
import {
  compare,
  type Expression,
  interfaceName,
  loadMeta,
  loadPayload,
  verdict,
} from '../kernel/nftables/expression.ts'
import { appendRule, createChain, createTable, deleteTable, type TableName } from '../kernel/nftables/object.ts'
import { loadValue, writeTransport } from '../kernel/nftables/rewrite.ts'
import { transaction } from '../kernel/nftables/transaction.ts'

/**
 * Inside a namespace: what is sent to 127.0.0.11:53 goes to the ports where the resolver listens, and answers come from
 * there. So 0.0.0.0:53 is free for a name server in the container. Ports are written into the packets and not translated:
 * connections are not tracked, which would cost all traffic of the container.
 */

const table: TableName = { family: 'ipv4', name: 'caisson-names' }
const output = { name: 'output', base: { type: 'filter', hook: 'output', priority: -300 } } as const

const SERVER = Uint8Array.of(127, 0, 0, 11)
const DNS_PORT = 53
const SOURCE = { address: 12, port: 0 } as const
const DESTINATION = { address: 16, port: 2 } as const

const transports = { udp: { number: 17, checksumOffset: 6 }, tcp: { number: 6, checksumOffset: 16 } } as const

const portBytes = (port: number): Uint8Array => Uint8Array.of(port >> 8, port & 0xff)

const replacePort = (
  transport: keyof typeof transports,
  side: typeof SOURCE | typeof DESTINATION,
  from: number,
  to: number,
): readonly Expression[] => [
  loadPayload('network', side.address, 4, 0),
  compare(0, 'equal', SERVER),
  loadMeta('layer4Protocol', 0),
  compare(0, 'equal', Uint8Array.of(transports[transport].number)),
  loadPayload('transport', side.port, 2, 0),
  compare(0, 'equal', portBytes(from)),
  loadValue(portBytes(to), 0),
  writeTransport(0, side.port, 2, transports[transport].checksumOffset),
]

/** In place of the rules that lead elsewhere, if there are any. */
export const redirectMessages = (ports: { readonly udp: number; readonly tcp: number }): Message[] =>
  transaction([
    createTable(table),
    deleteTable(table),
    createTable(table),
    createChain(table, output),
    appendRule(table, output.name, [
      loadMeta('interfaceOut', 0),
      compare(0, 'notEqual', interfaceName('lo')),
      verdict('accept'),
    ]),
    ...(['udp', 'tcp'] as const).flatMap((transport) => [
      appendRule(table, output.name, replacePort(transport, DESTINATION, DNS_PORT, ports[transport])),
      appendRule(table, output.name, replacePort(transport, SOURCE, ports[transport], DNS_PORT)),
    ]),
  ])

/** ENOENT when there are none. */
export const removeRedirectMessages = (): Message[] => transaction([deleteTable(table)])
