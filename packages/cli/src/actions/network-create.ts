import { randomUUID } from 'node:crypto'
import { Network } from '@caisson/api/network'
import type { OptionValues } from '../option-values.ts'
import { parseInteger } from '../parse/numbers.ts'
import { parsePairs } from '../parse/pairs.ts'
import type { Action } from '../spec.ts'

/** Makes a network and prints its id. */
export const networkCreate: Action = async ({ engine, out, signal }, [name = ''], options) => {
  const made = await (await engine.networks()).create(
    {
      name,
      driver: options.text('driver') ?? '',
      subnets: subnetsOf(options),
      internal: options.flag('internal'),
      ipv6: options.flag('ipv6'),
      mtu: options.parsed('mtu', (value) => parseInteger('--mtu', value, 68, 65_535)) ?? 0,
      labels: parsePairs('--label', options.list('label'), 'bare names allowed'),
      options: parsePairs('--opt', options.list('opt'), 'value needed'),
      requestId: randomUUID(),
    },
    { signal },
  )
  if (out.json) out.document(Network.toJSON(made))
  else out.line(made.id)
  return 0
}

function subnetsOf(options: OptionValues) {
  const subnet = options.text('subnet') ?? ''
  const gateway = options.text('gateway') ?? ''
  const ipRange = options.text('ipRange') ?? ''
  const auxiliaryAddresses = parsePairs('--aux-address', options.list('auxAddress'), 'value needed')
  const isSaid = subnet !== '' || gateway !== '' || ipRange !== '' || Object.keys(auxiliaryAddresses).length > 0
  return isSaid ? [{ subnet, gateway, ipRange, auxiliaryAddresses }] : []
}
