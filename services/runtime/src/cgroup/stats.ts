import { parseFlatKeyed, parseLimit, readIfThere } from './file.ts'
import type { CgroupHost } from './host.ts'
import { type IoStats, readIo } from './io-stats.ts'
import { type CgroupPlacement, type ControllerHome, findController } from './placement.ts'

/** What a container uses now. A part is absent when its controller is. */
export interface CgroupStats {
  readonly cpu?: CpuStats
  readonly memory?: MemoryStats
  readonly pids?: PidsStats
  readonly io?: IoStats
}

/** Times in nanoseconds. */
export interface CpuStats {
  readonly usageNs: number
  readonly userNs: number
  readonly systemNs: number
  readonly periods: number
  readonly throttledPeriods: number
  readonly throttledNs: number
}

/** Bytes. */
export interface MemoryStats {
  readonly usage: number
  /** Usage less the file pages that nobody used lately: what a limit really bites on. */
  readonly workingSet: number
  readonly anonymous: number
  readonly file: number
  readonly shared: number
  readonly kernel: number
  readonly inactiveFile: number
  readonly peak?: number
  /** Absent: no limit. */
  readonly limit?: number
  readonly swap: number
  readonly swapLimit?: number
  readonly pageFaults: number
  readonly majorPageFaults: number
  readonly oomKills: number
}

export interface PidsStats {
  readonly current: number
  readonly limit?: number
}

/** Reads the usage of a container. A group that is gone gives an object without parts. */
export async function readCgroupStats(host: CgroupHost, placement: CgroupPlacement): Promise<CgroupStats> {
  const find = (v1: string, v2: string) => findController(placement, host.unifiedControllers, { v1, v2 })
  const [cpu, memory, pids, io] = await Promise.all([
    readCpu(placement),
    readMemory(find('memory', 'memory')),
    readPids(find('pids', 'pids')),
    readIo(find('blkio', 'io')),
  ])
  return { ...(cpu && { cpu }), ...(memory && { memory }), ...(pids && { pids }), ...(io && { io }) }
}

const NS_PER_US = 1000
/** USER_HZ is 100 on every architecture that we run on. */
const NS_PER_TICK = 10_000_000

async function readCpu(placement: CgroupPlacement): Promise<CpuStats | undefined> {
  const v1 = (controller: string) => placement.v1.find(({ controllers }) => controllers.includes(controller))?.directory
  const account = v1('cpuacct')
  if (account !== undefined) return readCpuV1(account, v1('cpu'))
  if (placement.unified === undefined) return undefined
  const text = await readIfThere(`${placement.unified}/cpu.stat`)
  if (text === undefined) return undefined
  const stat = parseFlatKeyed(text)
  return {
    usageNs: (stat.get('usage_usec') ?? 0) * NS_PER_US,
    userNs: (stat.get('user_usec') ?? 0) * NS_PER_US,
    systemNs: (stat.get('system_usec') ?? 0) * NS_PER_US,
    periods: stat.get('nr_periods') ?? 0,
    throttledPeriods: stat.get('nr_throttled') ?? 0,
    throttledNs: (stat.get('throttled_usec') ?? 0) * NS_PER_US,
  }
}

async function readCpuV1(account: string, cpu: string | undefined): Promise<CpuStats | undefined> {
  const [usage, split, throttling] = await Promise.all([
    readIfThere(`${account}/cpuacct.usage`),
    readIfThere(`${account}/cpuacct.stat`),
    cpu === undefined ? undefined : readIfThere(`${cpu}/cpu.stat`),
  ])
  if (usage === undefined) return undefined
  const ticks = parseFlatKeyed(split ?? '')
  const stat = parseFlatKeyed(throttling ?? '')
  return {
    usageNs: Number(usage),
    userNs: (ticks.get('user') ?? 0) * NS_PER_TICK,
    systemNs: (ticks.get('system') ?? 0) * NS_PER_TICK,
    periods: stat.get('nr_periods') ?? 0,
    throttledPeriods: stat.get('nr_throttled') ?? 0,
    throttledNs: stat.get('throttled_time') ?? 0,
  }
}

async function readMemory(home: ControllerHome | undefined): Promise<MemoryStats | undefined> {
  if (home === undefined) return undefined
  return home.version === 1 ? readMemoryV1(home.directory) : readMemoryV2(home.directory)
}

async function readMemoryV2(directory: string): Promise<MemoryStats | undefined> {
  const names = ['current', 'stat', 'max', 'peak', 'swap.current', 'swap.max', 'events']
  const read = await Promise.all(names.map((name) => readIfThere(`${directory}/memory.${name}`)))
  const [usage, statText, limit, peak, swap, swapLimit, events] = read
  if (usage === undefined) return undefined
  const stat = parseFlatKeyed(statText ?? '')
  const inactiveFile = stat.get('inactive_file') ?? 0
  return {
    usage: Number(usage),
    workingSet: Math.max(0, Number(usage) - inactiveFile),
    anonymous: stat.get('anon') ?? 0,
    file: stat.get('file') ?? 0,
    shared: stat.get('shmem') ?? 0,
    kernel: stat.get('kernel') ?? 0,
    inactiveFile,
    ...optional('peak', parseLimit(peak)),
    ...optional('limit', parseLimit(limit)),
    swap: Number(swap ?? 0),
    ...optional('swapLimit', parseLimit(swapLimit)),
    pageFaults: stat.get('pgfault') ?? 0,
    majorPageFaults: stat.get('pgmajfault') ?? 0,
    oomKills: parseFlatKeyed(events ?? '').get('oom_kill') ?? 0,
  }
}

async function readMemoryV1(directory: string): Promise<MemoryStats | undefined> {
  const names = ['usage_in_bytes', 'stat', 'limit_in_bytes', 'max_usage_in_bytes', 'memsw.limit_in_bytes']
  const more = ['kmem.usage_in_bytes', 'oom_control']
  const read = await Promise.all([...names, ...more].map((name) => readIfThere(`${directory}/memory.${name}`)))
  const [usage, statText, limitText, peak, swapLimitText, kernel, oom] = read
  if (usage === undefined) return undefined
  const stat = parseFlatKeyed(statText ?? '')
  const inactiveFile = stat.get('total_inactive_file') ?? 0
  const [limit, both] = [parseLimit(limitText), parseLimit(swapLimitText)]
  return {
    usage: Number(usage),
    workingSet: Math.max(0, Number(usage) - inactiveFile),
    anonymous: stat.get('total_rss') ?? 0,
    file: stat.get('total_cache') ?? 0,
    shared: stat.get('total_shmem') ?? 0,
    kernel: Number(kernel ?? 0),
    inactiveFile,
    ...optional('peak', parseLimit(peak)),
    ...optional('limit', limit),
    swap: stat.get('total_swap') ?? 0,
    ...optional('swapLimit', both === undefined || limit === undefined ? undefined : Math.max(0, both - limit)),
    pageFaults: stat.get('total_pgfault') ?? 0,
    majorPageFaults: stat.get('total_pgmajfault') ?? 0,
    oomKills: parseFlatKeyed(oom ?? '').get('oom_kill') ?? 0,
  }
}

async function readPids(home: ControllerHome | undefined): Promise<PidsStats | undefined> {
  if (home === undefined) return undefined
  const [current, limit] = await Promise.all([
    readIfThere(`${home.directory}/pids.current`),
    readIfThere(`${home.directory}/pids.max`),
  ])
  return current === undefined ? undefined : { current: Number(current), ...optional('limit', parseLimit(limit)) }
}

function optional<K extends string>(key: K, value: number | undefined): { readonly [P in K]?: number } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: number })
}
