import type { Context } from '../context.ts'
import type { Containers } from '../engine.ts'
import { listAll } from '../listing.ts'
import type { Action } from '../spec.ts'
import { findLeftovers, stopLeftovers } from '../supervisor/leftovers.ts'
import { runningSupervisor } from '../supervisor/pid-file.ts'
import { stopSupervisor } from '../supervisor/start-detached.ts'
import { STOP_GRACE_MS } from '../supervisor/supervise.ts'

/** Stops the services. Containers keep running unless they are to be stopped too. */
export const down: Action = async (context, _args, options) => {
  const { layout, out } = context
  if (!runningSupervisor(layout) && findLeftovers(layout).length === 0) {
    if (out.json) out.document({ engine: 'not running', containersRunning: [] })
    else out.line('the engine is not running')
    return 0
  }
  const running = await runningContainers(context)
  const left = options.flag('containers') ? await stopContainers(context, running ?? []) : running
  await stopSupervisor(layout)
  await stopLeftovers(layout, STOP_GRACE_MS)
  if (out.json) out.document({ engine: 'stopped', containersRunning: left ?? null })
  else {
    out.line('the engine is stopped')
    if (left === undefined) out.note('the runtime service did not answer: containers may keep running')
    else if (left.length > 0)
      out.note(`${left.length} container${left.length === 1 ? ' keeps' : 's keep'} running: ${left.join(', ')}`)
  }
  return 0
}

/** Names of the containers that run; undefined when nobody can say. */
async function runningContainers({ engine }: Context): Promise<string[] | undefined> {
  try {
    const containers = await engine.containers()
    return (await listAll(containers, {})).map((container) => container.name || container.id.slice(0, 12))
  } catch {
    // A broken runtime service must not keep anyone from stopping the rest.
    return undefined
  }
}

/** Stops containers, eight at a time; returns those that still run. */
async function stopContainers(context: Context, names: readonly string[]): Promise<string[]> {
  const containers = await context.engine.containers()
  const waiting = [...names]
  const failed: string[] = []
  const worker = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
      if (!(await stopOne(context, containers, name))) failed.push(name)
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  return failed
}

async function stopOne({ out, signal }: Context, containers: Containers, name: string): Promise<boolean> {
  try {
    await containers.stop({ container: name }, { deadlineMs: 0, signal })
    return true
  } catch (error) {
    out.note(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    return false
  }
}
