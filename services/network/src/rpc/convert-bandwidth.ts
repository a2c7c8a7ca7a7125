import { invalid } from '@caisson/api'
import { type Bandwidth, isUnlimited, LEAST_BITS_PER_SECOND, MOST_BITS_PER_SECOND } from '../shaping/bandwidth.ts'

type BandwidthFields = { readonly egressBitsPerSecond: number; readonly ingressBitsPerSecond: number }

/** Checks and converts; undefined without any limit. Throws `invalid-argument`. */
export function optionalBandwidth(message: BandwidthFields): Bandwidth | undefined {
  const bandwidth = {
    egress: rateOf('egress_bits_per_second', message.egressBitsPerSecond),
    ingress: rateOf('ingress_bits_per_second', message.ingressBitsPerSecond),
  }
  return isUnlimited(bandwidth) ? undefined : bandwidth
}

/** Of Update: what is absent stays. Throws `invalid-argument`. */
export const bandwidthChange = (egress: number | undefined, ingress: number | undefined): Partial<Bandwidth> => ({
  ...(egress !== undefined && { egress: rateOf('egress_bits_per_second', egress) }),
  ...(ingress !== undefined && { ingress: rateOf('ingress_bits_per_second', ingress) }),
})

function rateOf(field: string, value: number): number {
  if (value === 0 || (value >= LEAST_BITS_PER_SECOND && value <= MOST_BITS_PER_SECOND)) return value
  throw invalid(
    `${field} ${value} is not ${LEAST_BITS_PER_SECOND} to ${MOST_BITS_PER_SECOND} bits a second: give 0 for no limit`,
    { details: { field } },
  )
}
