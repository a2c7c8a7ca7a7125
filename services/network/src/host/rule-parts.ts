import {
  compare,
  connectionState,
  counter,
  type Expression,
  loadConnectionState,
  maskBits,
  verdict,
} from '../kernel/nftables/expression.ts'

/** Parts that rules of several chains share. */

export function stateIs(...states: readonly (keyof typeof connectionState)[]): readonly Expression[] {
  const bits = states.reduce((sum, state) => sum | connectionState[state], 0)
  return [
    loadConnectionState(0),
    maskBits(0, 0, Uint8Array.of(bits, 0, 0, 0)),
    compare(0, 'notEqual', Uint8Array.of(0, 0, 0, 0)),
  ]
}

export const dropAndCount: readonly Expression[] = [counter(), verdict('drop')]
