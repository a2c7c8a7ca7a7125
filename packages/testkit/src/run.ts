import type { Partially } from '@caisson/api'
import type { ContainerSpec, ExitStatus } from '@caisson/api/container'
import type { TestEngine } from './engine.ts'

/** What a container that was run to its end left behind. */
export interface Ran {
  readonly id: string
  readonly stdout: string
  readonly stderr: string
  readonly exit: ExitStatus
}

/** Runs a container to its end over Containers.Run, removed afterwards unless the spec says otherwise. */
export async function runContainer(
  engine: TestEngine,
  spec: Partially<ContainerSpec>,
  cmd: readonly string[] = [],
): Promise<Ran> {
  const process = { ...spec.process, ...(cmd.length > 0 ? { cmd: { values: [...cmd] } } : {}) }
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
  let id = ''
  let exit: ExitStatus | undefined
  for await (const { item } of engine.containers.run({
    create: { spec: { autoRemove: true, ...spec, process } },
    output: true,
  })) {
    if (item?.$case === 'created') id = item.value.id
    if (item?.$case === 'output') output[item.value.stream === 2 ? 'stderr' : 'stdout'].push(item.value.data)
    if (item?.$case === 'exited') exit = item.value
  }
  if (!exit) throw new Error(`container ${id} told of no end`)
  return { id, stdout: Buffer.concat(output.stdout).toString(), stderr: Buffer.concat(output.stderr).toString(), exit }
}
