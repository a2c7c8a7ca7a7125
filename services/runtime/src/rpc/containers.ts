import type { Handlers, Partially } from '@caisson/api'
import type { ContainersDefinition, RunContainerResponse } from '@caisson/api/container'
import type { ContainerLife } from '../container/container-life.ts'
import type { RunStep } from '../container/run.ts'
import { containerName, reference, text, wrong } from './checks.ts'
import { containerOut, createRequestIn, filterIn, listRequestIn, timeIn, waitConditionIn } from './convert.ts'
import { toExitStatus } from './exit-status.ts'
import { toFewMessages } from './output.ts'
import { resourcesIn } from './resources-in.ts'
import { toSize } from './size.ts'
import { attachmentIn, checkRestart } from './spec-in.ts'

/** The life of containers. Logs, attaching, sizes, stats, top, commits and files have files of their own. */
type Elsewhere =
  | 'logs'
  | 'attach'
  | 'resize'
  | 'stats'
  | 'top'
  | 'commit'
  | 'changes'
  | 'statPath'
  | 'readArchive'
  | 'writeArchive'
  | 'export'
type Methods = Omit<Handlers<typeof ContainersDefinition>, Elsewhere>

export function containerHandlers(life: ContainerLife): Methods {
  const out = (container: Parameters<typeof containerOut>[0]): ReturnType<typeof containerOut> =>
    containerOut(container, life.stateOf(container))
  return {
    create: async (request, { signal }) => {
      const { id, name, warnings } = await life.create(createRequestIn(request), signal)
      return { id, name, warnings }
    },
    start: async (request, { signal }) => {
      const size = request.terminalSize && toSize(request.terminalSize)
      const { process } = await life.start(reference('container', request.container), size, signal)
      return { pid: process?.pid ?? 0 }
    },
    run: async function* (request, { signal }) {
      const { output, detach } = request
      for await (const step of life.run({ ...createRequestIn(request.create), output, detach }, signal))
        yield* runStepOut(step)
    },
    wait: async (request, { signal }) => {
      const condition = waitConditionIn(request.condition)
      const exit = await life.wait(reference('container', request.container), condition, signal)
      return { exit: exit && toExitStatus(exit) }
    },
    stop: async ({ container, timeoutSeconds, signal: name }, { signal }) => {
      const request = { container: reference('container', container), timeoutSeconds, signal: text('signal', name, 40) }
      const exit = await life.stop(request, signal)
      return { exit: exit && toExitStatus(exit) }
    },
    kill: async ({ container, signal, all }) => {
      await life.kill(reference('container', container), text('signal', signal, 40), all)
      return {}
    },
    pause: async ({ container }) => {
      await life.pause(reference('container', container))
      return {}
    },
    resume: async ({ container }) => {
      await life.resume(reference('container', container))
      return {}
    },
    remove: async ({ container, force, volumes }, { signal }) => {
      await life.remove(reference('container', container), { force, volumes }, signal)
      return {}
    },
    get: async ({ container }) => out(life.get(reference('container', container))),
    list: async (request) => {
      const { containers, nextPageToken } = life.list(listRequestIn(request))
      return { containers: containers.map(out), nextPageToken }
    },
    update: async ({ container, resources, restart }) => {
      checkRestart('restart', restart)
      if (!resources) throw wrong('resources', 'it is missing: name the limits to change')
      const warnings = await life.update(reference('container', container), resourcesIn('resources', resources))
      return { warnings }
    },
    rename: async ({ container, name }) => {
      await life.rename(reference('container', container), containerName('name', name))
      return {}
    },
    connectNetwork: async ({ container, attachment }, { signal }) => {
      if (!attachment) throw wrong('attachment', 'it is missing: name the network')
      const wish = attachmentIn('attachment', attachment)
      return out(await life.connectNetwork(reference('container', container), wish, signal))
    },
    disconnectNetwork: async ({ container, network, force }, { signal }) => {
      const name = text('network', network, 128)
      return out(await life.disconnectNetwork(reference('container', container), name, force, signal))
    },
    prune: ({ filter, until }, { signal }) => life.prune(filterIn(filter), timeIn(until), signal),
  }
}

function* runStepOut(step: RunStep): Generator<Partially<RunContainerResponse>> {
  if (step.kind === 'created') {
    const { id, name, warnings } = step.container
    yield { item: { $case: 'created', value: { id, name, warnings } } }
  } else if (step.kind === 'started')
    yield { item: { $case: 'started', value: { pid: step.container.process?.pid ?? 0 } } }
  else if (step.kind === 'exited') yield { item: { $case: 'exited', value: toExitStatus(step.exit) } }
  else
    for (const message of toFewMessages(step.entries))
      if (message.$case === 'output') yield { item: { $case: 'output', value: message.value } }
}
