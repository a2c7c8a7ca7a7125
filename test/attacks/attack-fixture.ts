import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Partially } from '@caisson/api'
import { type ContainerSpec, NamespaceMode } from '@caisson/api/container'
import { SandboxMode } from '@caisson/api/network'
import {
  busyboxRootfs,
  importImage,
  inNamespaces,
  needsBusybox,
  type Ran,
  runContainer,
  staticProgram,
  type TarEntry,
  TestEngine,
} from '@caisson/testkit'

export const skip = inNamespaces() || needsBusybox()

/** The two modes of user namespaces: what holds must hold in both, by the engine's own guards. */
export const MODES = [
  { name: 'its own user namespace', security: {} },
  { name: "the host's user namespace", security: { userNamespace: { mode: NamespaceMode.HOST } } },
] as const

/** An engine with an image `probe`: busybox and the probe program. */
export async function attackEngine(more: readonly TarEntry[] = []): Promise<TestEngine> {
  const engine = await TestEngine.start()
  await importProbe(engine, 'probe', more)
  return engine
}

let program: Buffer | undefined

/** Imports an image with the probe, and with hostile entries. */
export async function importProbe(
  engine: TestEngine,
  reference: string,
  more: readonly TarEntry[] = [],
): Promise<void> {
  program ??= staticProgram(readFileSync(join(import.meta.dirname, 'probes/probe.c'), 'utf8'))
  await importImage(
    engine.images,
    reference,
    busyboxRootfs([{ path: 'probe', mode: 0o755, content: program }, ...more]),
  )
}

/** Runs the probe, without a network unless the spec says otherwise. */
export async function probe(
  engine: TestEngine,
  args: readonly string[],
  spec: Partially<ContainerSpec> = {},
): Promise<Ran> {
  return runContainer(engine, { image: 'probe', network: { mode: SandboxMode.NONE }, ...spec }, ['/probe', ...args])
}

/** The lines of the probe as words. */
export function words(text: string): string[][] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
}

/** Files of the host that no container may change, as one digest. */
export function hostDigest(): string {
  const hash = createHash('sha256')
  for (const path of ['/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sys/kernel/hostname'])
    if (existsSync(path)) hash.update(readFileSync(path))
  for (const name of readdirSync('/etc').sort()) {
    const file = join('/etc', name)
    // Links lead elsewhere: /etc/mtab is the mounts of whoever looks.
    if (lstatSync(file, { throwIfNoEntry: false })?.isFile()) hash.update(name).update(readFileSync(file))
  }
  return hash.digest('hex')
}
