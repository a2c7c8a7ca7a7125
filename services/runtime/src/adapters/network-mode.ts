import { SandboxMode } from '@caisson/api/network'
import type { NetworkMode } from '../container/spec.ts'

/** Modes of a network between the contract and the domain. */

const OUT: Readonly<Record<NetworkMode, SandboxMode>> = {
  none: SandboxMode.NONE,
  host: SandboxMode.HOST,
  bridge: SandboxMode.BRIDGE,
  shared: SandboxMode.SHARED,
}

const IN: ReadonlyMap<SandboxMode, NetworkMode> = new Map([
  [SandboxMode.UNSPECIFIED, 'bridge'],
  ...Object.entries(OUT).map(([mode, message]) => [message, mode as NetworkMode] as const),
])

export const networkModeOut = (mode: NetworkMode): SandboxMode => OUT[mode]

/** Undefined: one that this version does not know. */
export const networkModeIn = (mode: SandboxMode): NetworkMode | undefined => IN.get(mode)
