import type { Gatekeeper } from './ports.ts'

/** Lets everybody do everything: for a registry that only its own machine reaches. */
export const openGate: Gatekeeper = {
  admit: async () => ({ name: '' }),
  may: async () => true,
  isKnown: () => true,
  challenge: () => undefined,
  register: () => {},
}
