import { open, readFile } from 'node:fs/promises'
import { conflict, now } from '@caisson/api'
import type { ContainerAccess } from '../access.ts'
import type { Container, IdRange } from '../container/container.ts'
import { commandLine, parseProcessStat, parseProcessStatus, terminalName } from './process-files.ts'

/** A process of a container. Ids without "inner" are those of the host. */
export interface ContainerProcess {
  readonly pid: number
  readonly ppid: number
  readonly innerPid: number
  /** User id inside; OVERFLOW_ID when it has none there. */
  readonly uid: number
  readonly state: string
  readonly startedNs: bigint
  readonly cpuNs: bigint
  readonly residentBytes: number
  readonly command: string
  readonly tty: string
}

export interface TopDeps {
  readonly access: ContainerAccess
  /** Process ids, on the host, of everything in a container. */
  readonly pidsOf: (container: Container) => Promise<readonly number[]>
  /** Where proc is mounted. */
  readonly proc: string
  /** Bytes of a page. */
  readonly pageBytes: number
}

/** What the kernel shows for an id that is not mapped. */
const OVERFLOW_ID = 65_534
/** The most bytes of a command line that are read: a process may have megabytes. */
const MAX_COMMAND_BYTES = 8_192

/** Lists the processes of a container, oldest first. Nothing of the container is executed. CONTAINER_NOT_RUNNING. */
export async function listProcesses(deps: TopDeps, reference: string): Promise<ContainerProcess[]> {
  const container = deps.access.resolve(reference)
  if (!['running', 'paused'].includes(deps.access.stateOf(container)))
    throw conflict('CONTAINER_NOT_RUNNING', `the container ${container.name} does not run: start it first`, {
      details: { container: container.id },
    })
  const [pids, bootNs] = await Promise.all([deps.pidsOf(container), bootTime(deps.proc)])
  const found = await Promise.all(pids.map((pid) => readProcess(deps, container, pid, bootNs)))
  return found
    .filter((process) => process !== undefined)
    .sort((a, b) => Number(a.startedNs - b.startedNs) || a.pid - b.pid)
}

/** Undefined when it has ended meanwhile. */
async function readProcess(
  { proc, pageBytes }: TopDeps,
  { spec, idRange }: Container,
  pid: number,
  bootNs: bigint,
): Promise<ContainerProcess | undefined> {
  const [statText, statusText, cmdline] = await Promise.all([
    ifThere(readFile(`${proc}/${pid}/stat`, 'utf8')),
    ifThere(readFile(`${proc}/${pid}/status`, 'utf8')),
    ifThere(readBeginning(`${proc}/${pid}/cmdline`)),
  ])
  const stat = parseProcessStat(statText ?? '')
  const status = parseProcessStatus(statusText ?? '')
  if (!stat || !status) return undefined
  const depth = spec.namespaces.pid === 'private' ? 1 : 0
  return {
    pid,
    ppid: stat.ppid,
    innerPid: status.pids[depth] ?? 0,
    uid: innerId(status.uid, idRange),
    state: stat.state,
    startedNs: bootNs + stat.startedAfterBootNs,
    cpuNs: stat.cpuNs,
    residentBytes: stat.residentPages * pageBytes,
    command: commandLine(cmdline ?? '', stat.name),
    tty: terminalName(stat.ttyNumber),
  }
}

/** An id of the host as the container sees it. */
export function innerId(id: number, range: IdRange | undefined): number {
  if (!range) return id
  const inner = id - range.start
  return inner >= 0 && inner < range.count ? inner : OVERFLOW_ID
}

/** When the host was started, in nanoseconds since 1970, by its clock as it is now. */
async function bootTime(proc: string): Promise<bigint> {
  const uptime = await readFile(`${proc}/uptime`, 'utf8')
  return now() - BigInt(Math.round(Number(uptime.split(' ')[0]) * 1e9))
}

async function readBeginning(path: string): Promise<string> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_COMMAND_BYTES), 0, MAX_COMMAND_BYTES, 0)
  return buffer.toString('utf8', 0, bytesRead)
}

/** Undefined when the process has ended. */
async function ifThere(work: Promise<string>): Promise<string | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined
    throw error
  }
}
