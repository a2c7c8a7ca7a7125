import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { ServiceName } from '@caisson/api/address'
import { failedPrecondition } from '@caisson/api/error'
import type { Layout } from '@caisson/api/layout'
import type { Installation } from '../installation.ts'
import { pause } from '../pause.ts'
import { waitUntilServing } from './health.ts'
import { lastWords } from './last-words.ts'
import { LogFile } from './log-file.ts'
import { runningSupervisor } from './pid-file.ts'
import { signalProcess } from './process-identity.ts'
import { readState } from './state-file.ts'

/** Ends of one service after which a start is given up. */
const HOPELESS_RESTARTS = 3
const START_TIMEOUT_MS = 30_000

/**
 * Starts the supervisor in the background and waits until every one of the services serves; `serving` is told of each. When they do
 * not, everything is stopped again, and the error tells what the service said last.
 */
export async function startDetached(
  layout: Layout,
  installation: Installation,
  services: readonly ServiceName[],
  serving: (service: ServiceName, afterMs: number) => void,
  interrupted: AbortSignal,
): Promise<void> {
  const started = performance.now()
  const begunAtMs = Date.now()
  const supervisor = spawnSupervisor(layout, installation, services)
  const giveUp = new AbortController()
  const signal = AbortSignal.any([giveUp.signal, interrupted])
  const deadline = begunAtMs + START_TIMEOUT_MS
  const waiting = services.map(async (service) => {
    // What still answers from before is not what was started now.
    while (!signal.aborted && Date.now() < deadline && !startedSince(layout, service, begunAtMs)) await pause(10)
    const ready = await waitUntilServing(layout, service, deadline, signal)
    if (ready) serving(service, performance.now() - started)
    return ready
  })
  void watchForFailure(layout, supervisor.exit, giveUp, signal)
  const ready = await Promise.all(waiting)
  const failure = giveUp.signal.aborted ? giveUp.signal.reason : undefined
  giveUp.abort()
  if (ready.every(Boolean)) return
  // Another one may have been faster: that engine is not this command's to stop.
  if (runningSupervisor(layout)?.pid === supervisor.pid) await stopSupervisor(layout)
  interrupted.throwIfAborted()
  if (failure instanceof Error) throw failure
  const missing = services.find((_, index) => !ready[index]) ?? 'supervisor'
  throw startFailed(layout, missing, `did not serve within ${START_TIMEOUT_MS / 1_000} s`)
}

function startedSince(layout: Layout, service: ServiceName, sinceMs: number): boolean {
  const record = readState(layout).services.find(({ name }) => name === service)
  return record?.process != null && record.startedAtMs >= sinceMs
}

interface Supervisor {
  readonly pid: number | undefined
  readonly exit: Promise<number>
}

function spawnSupervisor(layout: Layout, installation: Installation, services: readonly ServiceName[]): Supervisor {
  using log = new LogFile(join(layout.logDir, 'supervisor.log'))
  log.rotateIfFull()
  const root = layout.root === '' ? [] : ['--root', layout.root]
  const chosen = services.flatMap((service) => ['--service', service])
  const child = spawn(process.execPath, ['--disable-sigusr1', installation.entry, ...root, 'supervise', ...chosen], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  child.unref()
  const exit = new Promise<number>((resolve) => {
    child.once('error', () => resolve(1))
    child.once('exit', (code) => resolve(code ?? 1))
  })
  return { pid: child.pid, exit }
}

async function watchForFailure(
  layout: Layout,
  exit: Promise<number>,
  giveUp: AbortController,
  signal: AbortSignal,
): Promise<void> {
  void exit.then(() => giveUp.abort(startFailed(layout, 'supervisor', 'ended')))
  while (!signal.aborted) {
    const hopeless = readState(layout).services.find((service) => service.restarts >= HOPELESS_RESTARTS)
    if (hopeless) return giveUp.abort(startFailed(layout, hopeless.name, `ended with ${hopeless.lastEnd}`))
    await pause(50)
  }
}

function startFailed(layout: Layout, name: string, how: string): Error {
  const log = join(layout.logDir, `${name}.log`)
  const words = lastWords(log)
  const subject = name === 'supervisor' ? 'the supervisor' : `the service ${name}`
  return failedPrecondition('START_FAILED', `${subject} ${how}${words === '' ? '' : `: ${words}`}: see ${log}`, {
    details: { service: name, log },
  })
}

/** Stops the supervisor and with it the services. Resolves when it is gone; false when there was none. */
export async function stopSupervisor(layout: Layout): Promise<boolean> {
  const supervisor = runningSupervisor(layout)
  if (!supervisor) return false
  signalProcess(supervisor, 'SIGTERM')
  while (runningSupervisor(layout)?.pid === supervisor.pid) await pause(20)
  return true
}
