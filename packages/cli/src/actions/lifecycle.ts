import { invalid } from '@caisson/api/error'
import { resourcesOf } from '../container-spec.ts'
import { eachName } from '../each-name.ts'
import { exitCodeOfStatus } from '../exit-code.ts'
import { parseInteger } from '../parse/numbers.ts'
import { parseRestart } from '../parse/restart.ts'
import { persist } from '../recover.ts'
import type { Action } from '../spec.ts'
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../terminal/detach-keys.ts'
import { attachTo } from './attach.ts'

/** Starts containers that were made or have ended; with -a or -i stays with the one. */
export const start: Action = async (context, args, options) => {
  const containers = await context.engine.containers()
  const { signal } = context
  if (!options.flag('attach') && !options.flag('interactive'))
    return eachName(context, args, async (container) => {
      const { pid } = await containers.start({ container }, { signal })
      return { fields: { pid } }
    })
  const [container = '', ...more] = args
  if (more.length > 0) throw invalid('--attach and --interactive work with one container', { reason: 'USAGE' })
  const { id, spec } = await containers.get({ container }, { signal })
  const tty = spec?.process?.tty === true
  const stdin = options.flag('interactive') && spec?.process?.stdin === true
  const detachKeys = parseDetachKeys(options.text('detachKeys') ?? DEFAULT_DETACH_KEYS)
  return attachTo(context, containers, { container: id, stdin, start: true }, { tty, detachKeys })
}

/** Asks containers to stop, and kills those that do not in time. */
export const stop: Action = async (context, args, options) => {
  const containers = await context.engine.containers()
  const timeoutSeconds = options.parsed('time', (value) => parseInteger('--time', value, 0, 0xffff_ffff))
  const signalName = options.text('signal')
  return eachName(context, args, async (container) => {
    const call = { deadlineMs: 0, signal: context.signal }
    const { exit } = await containers.stop({ container, timeoutSeconds, signal: signalName }, call)
    return { fields: { exitCode: exit?.exitCode ?? null } }
  })
}

/** Sends a signal to the main process of containers. */
export const kill: Action = async (context, args, options) => {
  const containers = await context.engine.containers()
  const signal = options.text('signal')
  return eachName(context, args, async (container) => {
    await containers.kill({ container, signal }, { signal: context.signal })
    return undefined
  })
}

export const pauseContainers: Action = async (context, args) => {
  const containers = await context.engine.containers()
  return eachName(context, args, async (container) => {
    await containers.pause({ container }, { signal: context.signal })
    return undefined
  })
}

export const resumeContainers: Action = async (context, args) => {
  const containers = await context.engine.containers()
  return eachName(context, args, async (container) => {
    await containers.resume({ container }, { signal: context.signal })
    return undefined
  })
}

/** Removes containers with their changes and logs. */
export const rm: Action = async (context, args, options) => {
  const containers = await context.engine.containers()
  const [force, volumes] = [options.flag('force'), options.flag('volumes')]
  return eachName(context, args, async (container) => {
    await containers.remove({ container, force, volumes }, { signal: context.signal })
    return undefined
  })
}

/** Waits until containers end, and prints the exit code of each. */
export const wait: Action = async (context, args) => {
  const containers = await context.engine.containers()
  const { signal } = context
  return eachName(context, args, async (container) => {
    const { exit } = await persist(() => containers.wait({ container }, { deadlineMs: 0, signal }), signal)
    if (!exit) return { text: '-', fields: { exitCode: null } }
    const { exitCode, signal: endedBy, oomKilled } = exit
    return { text: String(exitCodeOfStatus(exit)), fields: { exitCode, signal: endedBy, oomKilled } }
  })
}

/** Gives a container another name. */
export const rename: Action = async (context, args) => {
  const [container = '', name = ''] = args
  await (await context.engine.containers()).rename({ container, name }, { signal: context.signal })
  if (context.out.json) context.out.document({ container, name })
  return 0
}

/** Changes limits and the restart policy. */
export const update: Action = async (context, args, options) => {
  const containers = await context.engine.containers()
  const resources = resourcesOf(options)
  const restart = options.parsed('restart', parseRestart)
  if (restart === undefined && Object.values(resources).every((value) => value === undefined))
    throw invalid("nothing to change was given: see 'caisson update --help'", { reason: 'USAGE' })
  return eachName(context, args, async (container) => {
    const { warnings } = await containers.update({ container, resources, restart }, { signal: context.signal })
    if (!context.out.json) for (const warning of warnings) context.out.note(`${container}: warning: ${warning}`)
    return { fields: { warnings } }
  })
}
