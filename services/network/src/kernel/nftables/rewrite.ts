import { attribute, be32, nested } from '../attribute.ts'
import { type Expression, payloadBases, type Register, register } from './expression.ts'

/** Steps of rules that change packets without looking at their connections. */

const NFTA_DATA_VALUE = 1
const CHECKSUM_INTERNET = 1

/** Loads bytes that the rule knows. */
export const loadValue = (value: Uint8Array, to: Register): Expression => ({
  name: 'immediate',
  attributes: [register(1, to), nested(2, [attribute(NFTA_DATA_VALUE, value)])],
})

/** Writes bytes of the transport header, and puts its checksum, which stands at an offset of that header, right. */
export const writeTransport = (from: Register, offset: number, length: number, checksumOffset: number): Expression => ({
  name: 'payload',
  attributes: [
    register(5, from),
    be32(2, payloadBases.transport),
    be32(3, offset),
    be32(4, length),
    be32(6, CHECKSUM_INTERNET),
    be32(7, checksumOffset),
  ],
})
