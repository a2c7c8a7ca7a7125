import { now } from '@caisson/api'
import type { PreparedRoot } from '../ports.ts'
import type { Container, IdRange } from './container.ts'
import { withExposedPorts } from './exposed-ports.ts'
import { loosenedBy } from './loosened.ts'
import { checkUser, programOf } from './program.ts'
import type { ContainerSpec } from './spec.ts'

interface Parts {
  readonly id: string
  readonly name: string
  readonly spec: ContainerSpec
  readonly range: IdRange | undefined
}

/** A container that was never started, of what was asked and what its image says. */
export function assemble({ id, name, spec: asked, range }: Parts, { image, config, root }: PreparedRoot): Container {
  const spec = withExposedPorts(asked, config.exposedPorts)
  const program = programOf(config, spec.process, spec.hostname === '' ? id.slice(0, 12) : spec.hostname)
  checkUser(program.user, spec.namespaces.user)
  return {
    id,
    name,
    spec,
    state: 'created',
    image,
    program,
    stopSignal: spec.stopSignal || config.stopSignal || 'SIGTERM',
    root,
    ...(range && { idRange: range }),
    createdNs: now(),
    startedNs: 0n,
    loosened: loosenedBy(spec),
    warnings: [],
  }
}
