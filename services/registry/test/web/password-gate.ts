import { CaissonError } from '@caisson/api'
import type { Gatekeeper } from '../../src/http/ports.ts'

/** Knows one user, `ada` with the password `s3cret`, who may pull what begins with `private/`. Nobody else may anything. */
export const passwordGate: Gatekeeper = {
  admit: async ({ authorization }) => {
    if (authorization === undefined) return { name: '' }
    if (authorization === `Basic ${ADA}`) return { name: 'ada' }
    throw new CaissonError('unauthenticated', 'wrong password', { reason: 'UNAUTHORIZED' })
  },
  may: async ({ name }, repository) => name === 'ada' && repository.startsWith('private/'),
  isKnown: ({ name }) => name !== '',
  challenge: () => 'Bearer realm="https://registry.example/token"',
  register: () => {},
}

const ADA = Buffer.from('ada:s3cret').toString('base64')
export const AS_ADA = { headers: { authorization: `Basic ${ADA}` } }
export const AS_STRANGER = { headers: { authorization: `Basic ${Buffer.from('ada:guess').toString('base64')}` } }
