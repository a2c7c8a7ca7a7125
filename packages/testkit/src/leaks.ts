import { createHash } from 'node:crypto'
import { globSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** What an engine could leave behind on the host. */
export interface HostState {
  readonly mounts: readonly string[]
  readonly links: readonly string[]
  readonly cgroups: readonly string[]
  readonly monitors: readonly string[]
}

/** Reads the state of the host as far as it concerns the engine under `root`. */
export function hostState(root: string): HostState {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return {
    mounts: mounts
      .filter((line) => line.includes(root))
      .map((line) => line.split(' ')[4] ?? '')
      .sort(),
    links: interfaces(),
    cgroups: globSync(`/sys/fs/cgroup/**/caisson-${engineName(root)}/*`, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${entry.parentPath}/${entry.name}`)
      .sort(),
    monitors: processesInside(root),
  }
}

/** What is in `after` and was not in `before`: nothing, when nothing leaked. */
function leaked(before: HostState, after: HostState): Partial<HostState> {
  const fresh = (Object.keys(after) as (keyof HostState)[])
    .map((key) => [key, after[key].filter((entry) => !before[key].includes(entry))] as const)
    .filter(([, entries]) => entries.length > 0)
  return Object.fromEntries(fresh)
}

/** The engine gives back behind the caller, and the kernel in batches: this is how long both may take. */
const SETTLING_MS = 30_000
const POLL_MS = 100

/** What is still there that was not in `before`, once everything has had the time to go. */
export async function leftBehind(before: HostState, root: string): Promise<Partial<HostState>> {
  const deadline = performance.now() + SETTLING_MS
  for (;;) {
    const found = leaked(before, hostState(root))
    if (Object.keys(found).length === 0 || performance.now() > deadline) return found
    await sleep(POLL_MS)
  }
}

function pids(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
}

/** Processes that hold a folder of the engine open and are none of its services: its monitors. */
function processesInside(root: string): string[] {
  return pids().filter((pid) => {
    const state = safely(() => readlinkSync(`/proc/${pid}/fd/5`)) ?? ''
    return state.startsWith(`${root}/runtime/containers/`)
  })
}

/** The name under which the runtime keeps an engine's control groups. */
function engineName(root: string): string {
  return createHash('sha256').update(root).digest('hex').slice(0, 12)
}

/** Interfaces of this process's own network namespace; a veth pair is gone when the other end's namespace is. */
function interfaces(): string[] {
  const lines = readFileSync('/proc/self/net/dev', 'utf8').split('\n').slice(2)
  return lines
    .map((line) => line.split(':')[0]?.trim() ?? '')
    .filter(Boolean)
    .sort()
}

/** A process may be gone between the listing and the look at it. */
function safely<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
