import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readTrimmed, writeControl } from './file.ts'
import type { CgroupLayout } from './layout.ts'
import { type CgroupPlacement, engineCgroupPath, placeCgroup } from './placement.ts'

/** What placing containers on this host depends on; read once, after the engine's subtree was made. */
export interface CgroupHost {
  readonly layout: CgroupLayout
  /** Path of the engine's subtree, relative to the mounts. */
  readonly enginePath: string
  /** Version 2 controllers that containers of the engine have. */
  readonly unifiedControllers: ReadonlySet<string>
  /** CPUs and memory nodes that a version 1 cpuset has to repeat before a process may enter. */
  readonly cpuset?: { readonly cpus: string; readonly mems: string }
  /** Whether swap can be limited. */
  readonly hasSwapLimit: boolean
  /** Names of files in a container's io or blkio directory. */
  readonly ioFiles: ReadonlySet<string>
}

/**
 * Makes the engine's subtree in every hierarchy and enables every controller for what will be below it. Idempotent. A
 * controller that cannot be enabled is left out, and whoever asks for its limits is told so then.
 */
export async function prepareCgroupHost(layout: CgroupLayout, engine: string): Promise<CgroupHost> {
  const enginePath = engineCgroupPath(engine)
  const place = placeCgroup(layout, enginePath)
  for (const { directory } of place.v1) await mkdir(directory, { recursive: true, mode: 0o755 })
  const unifiedControllers = await prepareUnified(layout, place)
  const cpuset = await prepareCpuset(place)
  return {
    layout,
    enginePath,
    unifiedControllers,
    ...(cpuset && { cpuset }),
    hasSwapLimit: await canLimitSwap(place),
    ioFiles: await readIoFiles(place),
  }
}

async function prepareUnified(layout: CgroupLayout, place: CgroupPlacement): Promise<ReadonlySet<string>> {
  if (layout.unified === undefined || place.unified === undefined) return new Set()
  await enableAll(layout.unified.mount, layout.unified.controllers)
  await mkdir(place.unified, { recursive: true, mode: 0o755 })
  const available = await wordsOf(`${place.unified}/cgroup.controllers`)
  await enableAll(place.unified, available)
  return wordsOf(`${place.unified}/cgroup.subtree_control`)
}

async function enableAll(directory: string, controllers: ReadonlySet<string>): Promise<void> {
  const file = `${directory}/cgroup.subtree_control`
  const enabled = await wordsOf(file)
  for (const controller of controllers) {
    if (enabled.has(controller)) continue
    // EBUSY or EINVAL: processes stand in the way, or the controller is bound elsewhere. It is then simply not offered.
    await writeControl(file, `+${controller}`).catch(() => undefined)
  }
}

/** A cpuset of version 1 begins empty, and nothing may enter an empty one: the parent's values are handed down. */
async function prepareCpuset(place: CgroupPlacement): Promise<CgroupHost['cpuset']> {
  const directory = place.v1.find(({ controllers }) => controllers.includes('cpuset'))?.directory
  if (directory === undefined) return undefined
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if ((await readTrimmed(`${directory}/${file}`)) !== '') continue
    await writeControl(`${directory}/${file}`, await readTrimmed(`${dirname(directory)}/${file}`))
  }
  return { cpus: await readTrimmed(`${directory}/cpuset.cpus`), mems: await readTrimmed(`${directory}/cpuset.mems`) }
}

async function canLimitSwap(place: CgroupPlacement): Promise<boolean> {
  const v1 = place.v1.find(({ controllers }) => controllers.includes('memory'))?.directory
  const file = v1 === undefined ? `${place.unified}/memory.swap.max` : `${v1}/memory.memsw.limit_in_bytes`
  return readFile(file).then(
    () => true,
    () => false,
  )
}

const IO_FILES = ['blkio.weight', 'blkio.bfq.weight', 'io.weight', 'io.bfq.weight']

async function readIoFiles(place: CgroupPlacement): Promise<ReadonlySet<string>> {
  const v1 = place.v1.find(({ controllers }) => controllers.includes('blkio'))?.directory
  const directory = v1 ?? place.unified
  const found = await Promise.all(
    IO_FILES.map((file) =>
      readFile(`${directory}/${file}`).then(
        () => [file],
        () => [],
      ),
    ),
  )
  return new Set(found.flat())
}

async function wordsOf(file: string): Promise<ReadonlySet<string>> {
  return new Set((await readTrimmed(file)).split(/\s+/).filter(Boolean))
}
