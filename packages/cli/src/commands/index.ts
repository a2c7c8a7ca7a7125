import type { CommandSpec } from '../spec.ts'
import { CONTAINER_COMMANDS } from './container.ts'
import { ENGINE_COMMANDS } from './engine.ts'
import { FILE_COMMANDS } from './files.ts'
import { IMAGE_COMMANDS } from './image.ts'
import { NETWORK_COMMANDS } from './network.ts'
import { PROCESS_COMMANDS } from './process.ts'
import { REGISTRY_COMMANDS } from './registry.ts'
import { REGISTRY_ACCESS_COMMANDS } from './registry-access.ts'
import { REGISTRY_OUTGOING_COMMANDS } from './registry-outgoing.ts'
import { REGISTRY_UPSTREAM_COMMANDS } from './registry-upstream.ts'
import { SYSTEM_COMMANDS } from './system.ts'
import { TRANSFER_COMMANDS } from './transfer.ts'
import { TRUST_COMMANDS } from './trust.ts'
import { VOLUME_COMMANDS } from './volume.ts'

/** Every command. */
export const COMMANDS: readonly CommandSpec[] = [
  ...ENGINE_COMMANDS,
  ...PROCESS_COMMANDS,
  ...CONTAINER_COMMANDS,
  ...FILE_COMMANDS,
  ...IMAGE_COMMANDS,
  ...TRANSFER_COMMANDS,
  ...TRUST_COMMANDS,
  ...NETWORK_COMMANDS,
  ...VOLUME_COMMANDS,
  ...REGISTRY_COMMANDS,
  ...REGISTRY_ACCESS_COMMANDS,
  ...REGISTRY_OUTGOING_COMMANDS,
  ...REGISTRY_UPSTREAM_COMMANDS,
  ...SYSTEM_COMMANDS,
]
