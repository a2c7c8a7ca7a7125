import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { digestHex, digestOf } from '@caisson/oci'
import { needsDockerRegistry } from '@caisson/testkit'
import { Client } from '../client.ts'
import { basic } from '../registry-users.ts'
import { startMirroring } from './mirror.ts'

const skip = needsDockerRegistry() || (!existsSync('/usr/bin/skopeo') && 'needs skopeo')
const dir = mkdtempSync(join(tmpdir(), 'csn-upstream-clients-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const skopeo = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)('skopeo', args, { timeout: 60_000 })).stdout

/** A client of the upstream that is let in. */
class AsAnn extends Client {
  override send(method: string, path: string, options: RequestInit = {}): Promise<Response> {
    return super.send(method, path, { ...options, headers: { ...basic('ann', 'secret'), ...options.headers } })
  }
}

test('skopeo copies an image of an upstream with a login, and does so again when the upstream is away', {
  skip,
}, async () => {
  const settings = { username: 'ann', password: 'secret' }
  await using mirroring = await startMirroring({ upstream: { auth: { users: { ann: 'secret' } } }, settings })
  const { registry, upstream } = mirroring
  const layer = randomBytes(5 << 20)
  const image = await new AsAnn(upstream.url).pushImage('team/app', '1', layer)
  const name = `docker://${registry.address}/hub/team/app`
  const copy = async (from: string, to: string): Promise<void> => {
    const target = join(dir, to)
    await skopeo('copy', '--src-tls-verify=false', '--preserve-digests', from, `dir:${target}`)
    assert.ok(readFileSync(join(target, 'manifest.json')).equals(image.bytes))
    assert.ok(readFileSync(join(target, digestHex(digestOf(layer)))).equals(layer))
  }
  await copy(`${name}:1`, 'first')
  await upstream.stop()
  await copy(`${name}:1`, 'second')
  await copy(`${name}@${image.digest}`, 'third')
  const digest = await skopeo('inspect', '--tls-verify=false', '--format', '{{.Digest}}', `${name}:1`)
  assert.equal(digest.trim(), image.digest)
})
