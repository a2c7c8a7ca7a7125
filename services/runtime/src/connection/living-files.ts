import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Container, isRunning, type Sandbox } from '../container/container.ts'
import type { Core } from '../container/core.ts'
import { mergeLines } from './host-lines.ts'

/** More than this is not what the engine wrote: it stays as it is. */
const MOST_BYTES = 1 << 20

type Merge = (current: string, before: string, after: string) => string

/** What a container wrote into its own resolv.conf is the whole of it. */
const unlessChanged: Merge = (current, before, after) => (current === before ? after : current)

/**
 * Brings /etc/hosts and /etc/resolv.conf of a running container, and of those that share its network, to what its sandbox
 * says. They are bound into the containers, so they are rewritten where they are; a container that has something else mounted
 * there does not see them. What a container wrote into them itself stays. A file that cannot be written is told in the log.
 */
export function refreshFiles(core: Core, container: Container): void {
  const { sandbox } = container
  if (!sandbox) return
  for (const { id } of [container, ...sharersOf(core, sandbox)]) refresh(core, id, sandbox)
}

/** A container that shares a network may have been started while that changed. */
export function refreshSharer(core: Core, { id, spec, sandbox }: Container): void {
  if (spec.network.mode !== 'shared' || !sandbox) return
  const current = core.table.get(id)
  if (!current || !isRunning(current)) return
  const other = core.table.get(spec.network.container ?? '')?.sandbox
  if (other?.namespacePath !== sandbox.namespacePath) return
  refresh(core, id, { ...other, replaced: { hosts: sandbox.hosts, resolvConf: sandbox.resolvConf } })
}

function sharersOf({ table }: Core, { namespacePath }: Sandbox): Container[] {
  return table.active().filter(({ sandbox }) => sandbox?.mode === 'shared' && sandbox.namespacePath === namespacePath)
}

function refresh({ stateDirs, log }: Core, id: string, sandbox: Sandbox): void {
  const { hosts, resolvConf, replaced = { hosts, resolvConf } } = sandbox
  const path = stateDirs.path(id)
  try {
    rewrite(join(path, 'hosts'), mergeLines, replaced.hosts, hosts)
    rewrite(join(path, 'resolv.conf'), unlessChanged, replaced.resolvConf, resolvConf)
  } catch (error) {
    log.warn(
      { container: id, error: String(error) },
      'its /etc/hosts and /etc/resolv.conf could not be brought up to date',
    )
  }
}

function rewrite(path: string, merge: Merge, before: string, after: string): void {
  const file = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW)
  try {
    if (fstatSync(file).size > MOST_BYTES) throw new Error(`${path} has more than ${MOST_BYTES} bytes`)
    const current = readWhole(file)
    const content = merge(current, bytesOf(before), bytesOf(after))
    if (content === current) return
    const written = writeSync(file, Buffer.from(content, 'latin1'), 0, content.length, 0)
    if (written < content.length) throw new Error(`there is no room for ${path}`)
    ftruncateSync(file, content.length)
  } finally {
    closeSync(file)
  }
}

/** Bytes as characters: a container may have written anything. */
function readWhole(file: number): string {
  const buffer = Buffer.alloc(MOST_BYTES)
  return buffer.toString('latin1', 0, readSync(file, buffer, 0, MOST_BYTES, 0))
}

const bytesOf = (text: string): string => Buffer.from(text).toString('latin1')
