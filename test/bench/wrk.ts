import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 }

/** Why the load cannot be made; undefined when it can. */
export function lackOfWrk(): string | undefined {
  return spawnSync('wrk', ['--version']).error ? 'wrk is not installed' : undefined
}

export interface Load {
  readonly url: string
  readonly connections: number
  readonly seconds: number
  readonly headers?: Readonly<Record<string, string>>
}

export interface Throughput {
  readonly requestsPerSecond: number
  readonly bytesPerSecond: number
}

/** GETs a URL over and over. Throws when an answer is none of the good ones. */
export async function wrk({ url, connections, seconds, headers = {} }: Load): Promise<Throughput> {
  const lines = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', ...lines, url])
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${url} is not served as it should be:\n${stdout}`)
  const transfer = /Transfer\/sec:\s+([\d.]+)([KMG]?B)/.exec(stdout)
  return {
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    bytesPerSecond: Number(transfer?.[1]) * (UNITS[transfer?.[2] ?? ''] ?? Number.NaN),
  }
}
