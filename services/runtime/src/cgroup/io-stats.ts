import { readIfThere } from './file.ts'
import type { ControllerHome } from './placement.ts'

/** Block devices' traffic: bytes and operations, in all and a device. */
export interface IoStats extends IoCounters {
  readonly devices: readonly IoDeviceStats[]
}

export interface IoCounters {
  readonly readBytes: number
  readonly writeBytes: number
  readonly readOps: number
  readonly writeOps: number
}

export interface IoDeviceStats extends IoCounters {
  readonly major: number
  readonly minor: number
}

type Counter = keyof IoCounters
type Table = Map<string, Record<Counter, number>>

export async function readIo(home: ControllerHome | undefined): Promise<IoStats | undefined> {
  if (home === undefined) return undefined
  if (home.version === 2) {
    const text = await readIfThere(`${home.directory}/io.stat`)
    return text === undefined ? undefined : summed(parseIoStat(text))
  }
  const [bytes, operations] = await Promise.all([
    readFirst(home.directory, ['blkio.throttle.io_service_bytes_recursive', 'blkio.bfq.io_service_bytes_recursive']),
    readFirst(home.directory, ['blkio.throttle.io_serviced_recursive', 'blkio.bfq.io_serviced_recursive']),
  ])
  if (bytes === undefined) return undefined
  const table: Table = new Map()
  addBlkio(table, bytes, { Read: 'readBytes', Write: 'writeBytes' })
  addBlkio(table, operations ?? '', { Read: 'readOps', Write: 'writeOps' })
  return summed(table)
}

async function readFirst(directory: string, files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    const text = await readIfThere(`${directory}/${file}`)
    if (text !== undefined) return text
  }
  return undefined
}

const V2_COUNTERS: Readonly<Record<string, Counter>> = {
  rbytes: 'readBytes',
  wbytes: 'writeBytes',
  rios: 'readOps',
  wios: 'writeOps',
}

/** "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0", a line a device. */
function parseIoStat(text: string): Table {
  const table: Table = new Map()
  for (const line of text.split('\n')) {
    const [device, ...pairs] = line.split(' ')
    if (!device?.includes(':')) continue
    const row = rowOf(table, device)
    for (const pair of pairs) {
      const [key = '', value] = pair.split('=')
      const counter = Object.hasOwn(V2_COUNTERS, key) ? V2_COUNTERS[key] : undefined
      if (counter !== undefined) row[counter] += Number(value)
    }
  }
  return table
}

/** "8:0 Read 4096", and a last line "Total 4096". */
function addBlkio(table: Table, text: string, counters: Readonly<Record<string, Counter>>): void {
  for (const line of text.split('\n')) {
    const [device = '', operation = '', value] = line.split(' ')
    const counter = Object.hasOwn(counters, operation) ? counters[operation] : undefined
    if (device.includes(':') && counter !== undefined) rowOf(table, device)[counter] += Number(value)
  }
}

function rowOf(table: Table, device: string): Record<Counter, number> {
  const row = table.get(device) ?? { readBytes: 0, writeBytes: 0, readOps: 0, writeOps: 0 }
  table.set(device, row)
  return row
}

function summed(table: Table): IoStats {
  const total = { readBytes: 0, writeBytes: 0, readOps: 0, writeOps: 0 }
  const devices: IoDeviceStats[] = []
  for (const [device, row] of table) {
    const [major, minor] = device.split(':').map(Number)
    devices.push({ major: major ?? 0, minor: minor ?? 0, ...row })
    for (const counter of Object.keys(total) as Counter[]) total[counter] += row[counter]
  }
  return { ...total, devices }
}
