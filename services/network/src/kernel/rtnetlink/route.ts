import { attribute, parseAttributes, readU32, u32 } from '../attribute.ts'
import { type Answer, type Message, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_REPLACE } from '../message.ts'
import { AF_INET, AF_INET6 } from './address.ts'

const RTM_NEWROUTE = 24
const RTM_GETROUTE = 26

const RTA_DST = 1
const RTA_OIF = 4
const RTA_GATEWAY = 5
const RTA_TABLE = 15

const RT_TABLE_MAIN = 254
const RTPROT_BOOT = 3
const RTPROT_RA = 9
const RT_SCOPE_UNIVERSE = 0
const RTN_UNICAST = 1

export type Route = {
  readonly table: number
  readonly type: number
  /** Who made it. */
  readonly protocol: number
  /** Undefined: the default route. */
  readonly destination: Buffer | undefined
  readonly prefixLength: number
  readonly gateway: Buffer | undefined
  readonly index: number
}

/** struct rtmsg */
function routeHeader(family: number, prefixLength: number): Buffer {
  return Buffer.from([
    family,
    prefixLength,
    0,
    0,
    RT_TABLE_MAIN,
    RTPROT_BOOT,
    RT_SCOPE_UNIVERSE,
    RTN_UNICAST,
    0,
    0,
    0,
    0,
  ])
}

/** The default route, through a gateway that the interface's subnet reaches. Takes the place of one that is there. */
export const setDefaultRoute = (index: number, gateway: Uint8Array): Message => ({
  type: RTM_NEWROUTE,
  flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
  body: routeHeader(gateway.length === 4 ? AF_INET : AF_INET6, 0),
  attributes: [attribute(RTA_GATEWAY, gateway), u32(RTA_OIF, index)],
})

export const dumpRoutes = (family: number): Message => ({
  type: RTM_GETROUTE,
  flags: NLM_F_DUMP,
  body: Buffer.from([family, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
  attributes: [],
})

/** Whether a router advertised it (RFC 4861). */
export const isAdvertised = (route: Route): boolean => route.protocol === RTPROT_RA

export const isUnicast = (route: Route): boolean => route.type === RTN_UNICAST

export function parseRoute(answer: Answer): Route | undefined {
  if (answer.type !== RTM_NEWROUTE || answer.payload.length < 12) return undefined
  const attributes = parseAttributes(answer.payload.subarray(12))
  return {
    table: readU32(attributes.get(RTA_TABLE)) ?? answer.payload.readUInt8(4),
    type: answer.payload.readUInt8(7),
    protocol: answer.payload.readUInt8(5),
    destination: attributes.get(RTA_DST),
    prefixLength: answer.payload.readUInt8(1),
    gateway: attributes.get(RTA_GATEWAY),
    index: readU32(attributes.get(RTA_OIF)) ?? 0,
  }
}
