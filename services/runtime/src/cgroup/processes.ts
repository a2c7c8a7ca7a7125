import { readdir, readFile, rmdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { CaissonError } from '@caisson/api'
import { isAbsence, parseFlatKeyed, readIfThere, writeControl } from './file.ts'
import { freezeCgroup, thawCgroup } from './freeze.ts'
import type { CgroupPlacement } from './placement.ts'

const FIRST_WAIT_MS = 1
const LONGEST_WAIT_MS = 50

/** Process ids (of the host) in the container, those of groups that it made below its own included. */
export async function listCgroupProcesses(placement: CgroupPlacement): Promise<number[]> {
  const directory = treeOf(placement)
  return directory === undefined ? [] : processesBelow(directory)
}

/** Whether no process is left. A group that is gone is empty. */
export async function isCgroupEmpty(placement: CgroupPlacement): Promise<boolean> {
  if (placement.unified !== undefined) {
    const events = await readIfThere(`${placement.unified}/cgroup.events`)
    return events === undefined || parseFlatKeyed(events).get('populated') === 0
  }
  return (await listCgroupProcesses(placement)).length === 0
}

/**
 * Kills every process, also those that are just being forked. Version 2 does it in the kernel; on a host that has only
 * version 1 the group is frozen first, so that no process id can be reused in between. Returns before they are gone:
 * see waitCgroupEmpty.
 */
export async function killCgroup(placement: CgroupPlacement): Promise<void> {
  if (placement.unified !== undefined && (await killUnified(placement.unified))) return
  if (await isCgroupEmpty(placement)) return
  const hasFreezer = placement.v1.some(({ controllers }) => controllers.includes('freezer'))
  if (hasFreezer) await freezeCgroup(placement)
  try {
    for (const pid of await listCgroupProcesses(placement)) killProcess(pid)
  } finally {
    if (hasFreezer) await thawCgroup(placement)
  }
}

/** Resolves when no process is left; rejects with the signal's reason. */
export async function waitCgroupEmpty(placement: CgroupPlacement, signal: AbortSignal): Promise<void> {
  let wait = FIRST_WAIT_MS
  while (!(await isCgroupEmpty(placement))) {
    await delay(wait, undefined, { signal })
    wait = Math.min(wait * 2, LONGEST_WAIT_MS)
  }
}

/** Removes the group from every hierarchy, the groups below it first. What is gone already is no error. */
export async function removeCgroup(placement: CgroupPlacement): Promise<void> {
  const directories = placement.v1.map(({ directory }) => directory)
  if (placement.unified !== undefined) directories.push(placement.unified)
  for (const directory of directories) await removeTree(directory)
}

function treeOf(placement: CgroupPlacement): string | undefined {
  const pids = placement.v1.find(({ controllers }) => controllers.includes('pids'))
  return placement.unified ?? pids?.directory ?? placement.v1[0]?.directory
}

/** Linux 5.14 and newer. */
async function killUnified(directory: string): Promise<boolean> {
  try {
    await writeControl(`${directory}/cgroup.kill`, '1')
    return true
  } catch (error) {
    if (isAbsence(error)) return (await readIfThere(`${directory}/cgroup.procs`)) === undefined
    throw error
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function processesBelow(directory: string): Promise<number[]> {
  const text = await readFile(`${directory}/cgroup.procs`, 'utf8').catch(absentAs(''))
  const own = text.split('\n').filter(Boolean).map(Number)
  const below = await Promise.all((await childrenOf(directory)).map(processesBelow))
  return [...own, ...below.flat()]
}

async function childrenOf(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(absentAs([]))
  return entries.filter((entry) => entry.isDirectory()).map((entry) => `${directory}/${entry.name}`)
}

async function removeTree(directory: string): Promise<void> {
  for (const child of await childrenOf(directory)) await removeTree(child)
  try {
    await rmdir(directory)
  } catch (error) {
    if (isAbsence(error)) return
    if (!(error instanceof Error && 'code' in error && error.code === 'EBUSY')) throw error
    const message = `the control group ${directory} still holds processes: kill them first`
    throw new CaissonError('failed-precondition', message, {
      reason: 'CGROUP_BUSY',
      details: { directory },
      cause: error,
    })
  }
}

/** For a catch: a value in place of a file that is not there. */
function absentAs<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (isAbsence(error)) return value
    throw error
  }
}
