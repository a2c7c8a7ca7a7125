import assert from 'node:assert/strict'
import { Agent, request as open } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { digestOf } from '@caisson/oci'
import { Client } from '../client.ts'
import { blobOf, startRegistry } from '../registry.ts'

/** One connection for all that is asked. */
function connection(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = async (method: string, path: string, body?: Buffer, headers: Record<string, string | number> = {}) =>
    await new Promise<{ status: number; location: string }>((resolve, reject) => {
      const length = { 'content-length': body?.length ?? 0 }
      const asked = open(new URL(path, url), { method, agent, headers: { ...length, ...headers } }, (response) => {
        const { statusCode: status = 0, headers: answered } = response
        text(response).then(() => resolve({ status, location: answered.location ?? '' }), reject)
      })
      asked.once('error', reject).end(body)
    })
  return { ask, [Symbol.dispose]: () => agent.destroy() }
}

const large = blobOf(6_000_000)
const whole = `digest=${digestOf(large)}`

interface Refusal {
  readonly quotaBytes?: number
  readonly method: string
  /** Of an upload, or of the one that is at the location. */
  readonly path: (location: string) => string
  readonly range?: string
  readonly status: number
}

const at = (location: string): string => location
const quotaBytes = 1_000_000
const REFUSALS: Readonly<Record<string, Refusal>> = {
  'a chunk that is too much for the quota': { quotaBytes, method: 'PATCH', path: at, status: 403 },
  'a last chunk that is too much for the quota': {
    ...{ quotaBytes, method: 'PUT', status: 403 },
    path: (location) => `${location}?${whole}`,
  },
  'a blob that is too much for the quota': {
    ...{ quotaBytes, method: 'POST', status: 403 },
    path: () => `/v2/team/app/blobs/uploads/?${whole}`,
  },
  'a chunk in the wrong place': { method: 'PATCH', path: at, range: '7-6000006', status: 416 },
  'a chunk that is not as long as it says': { method: 'PATCH', path: at, range: '0-3', status: 400 },
  'a chunk for nobody': { method: 'PATCH', path: (location) => `${location}x`, status: 404 },
}

for (const [what, { quotaBytes = 0, method, path, range, status }] of Object.entries(REFUSALS))
  test(`a connection on which ${what} was refused takes the next request`, { timeout: 30_000 }, async () => {
    await using registry = await startRegistry({ config: { policy: { quotaBytes } } })
    const location = await new Client(registry.url).begin('team/app')
    using one = connection(registry.url)
    const headers = range === undefined ? {} : { 'content-range': range }
    assert.equal((await one.ask(method, path(location), large, headers)).status, status)
    const small = blobOf(1_000)
    const posted = await one.ask('POST', `/v2/team/app/blobs/uploads/?digest=${digestOf(small)}`, small)
    assert.equal(posted.status, 201)
  })
