import type { Message } from '../message.ts'
import { NFNL_SUBSYS_NFTABLES } from './object.ts'

const NFNL_MSG_BATCH_BEGIN = 0x10
const NFNL_MSG_BATCH_END = 0x11

// struct nfgenmsg: the subsystem stands in res_id, in network byte order.
const edge = (type: number): Message => ({
  type,
  flags: 0,
  body: Uint8Array.of(0, 0, NFNL_SUBSYS_NFTABLES >> 8, NFNL_SUBSYS_NFTABLES & 0xff),
  attributes: [],
})

/** The messages as one change: all of it is carried out, or nothing when one of them is refused. */
export const transaction = (messages: readonly Message[]): Message[] => [
  edge(NFNL_MSG_BATCH_BEGIN),
  ...messages,
  edge(NFNL_MSG_BATCH_END),
]
