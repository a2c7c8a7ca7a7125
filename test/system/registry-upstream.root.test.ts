import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  busyboxRootfs,
  CaissonCommand,
  type DockerRegistry,
  inNamespaces,
  needsBusybox,
  needsDockerRegistry,
  startDockerRegistry,
} from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox() || needsDockerRegistry()
const HOST = '127.0.0.1:5000'
let root: string
let caisson: CaissonCommand
let upstream: DockerRegistry

const done = (args: readonly string[], input: Uint8Array | string = ''): string => caisson.done(args, input)

before(async () => {
  if (skip) return
  root = mkdtempSync(join(tmpdir(), 'csn-upstream-'))
  caisson = new CaissonCommand({ root, env: { CAISSON_AUTH_FILE: join(root, 'auth.json') } })
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  upstream = await startDockerRegistry({ auth: { users: { ann: 'secret' } } })
  mkdirSync(join(root, 'etc'), { recursive: true })
  const registries = { [upstream.address]: { mirrors: [{ url: `http://${HOST}` }] } }
  writeFileSync(join(root, 'etc/image-store.json'), JSON.stringify({ registries }))
  done(['registry', 'init'])
  done(['up', '-d'])
  done(['import', '-', `${upstream.address}/team/busybox:1`], busyboxRootfs())
  done(['login', '-u', 'ann', '--password-stdin', upstream.address], 'secret')
  done(['push', `${upstream.address}/team/busybox:1`])
  done(['logout', upstream.address])
  done(['rmi', `${upstream.address}/team/busybox:1`])
})

after(async () => {
  if (skip) return
  assert.equal(caisson.run(['down']).code, 0)
  await upstream.stop()
  rmSync(root, { recursive: true, force: true })
})

test('an upstream is set, with its password in a file, and listed without it', { skip }, () => {
  const password = join(root, 'password')
  writeFileSync(password, 'secret\n', { mode: 0o600 })
  const settings = ['--url', upstream.url, '--prefix', 'hub', '-u', 'ann', '--revalidate', '0']
  assert.match(caisson.run(['registry', 'upstream', 'set', upstream.address, ...settings]).err, /password/)
  done(['registry', 'upstream', 'set', upstream.address, ...settings, '--password-file', password])
  done(['registry', 'policy', 'set', 'hub/*', '--anonymous-pull'])
  const listed = done(['registry', 'upstream', 'ls'])
  assert.match(listed, new RegExp(`^${upstream.address} +${upstream.url} +hub/\\* +ann +never$`, 'm'))
  assert.doesNotMatch(listed + done(['--format', 'json', 'registry', 'upstream', 'ls']), /secret/)
})

test('an image is pulled through the registry, by path and as a mirror, and run', { skip }, () => {
  done(['pull', `${HOST}/hub/team/busybox:1`])
  assert.equal(done(['run', '--rm', `${HOST}/hub/team/busybox:1`, 'echo', 'through']), 'through\n')
  assert.match(done(['registry', 'tags', 'hub/team/busybox']), /^1 +sha256:/m)
  // The upstream itself wants a login that the engine has not.
  done(['pull', `${upstream.address}/team/busybox:1`])
})

test('what is held is pulled when the upstream is away, and what is not held is an error', { skip }, async () => {
  const names = [`${HOST}/hub/team/busybox:1`, `${upstream.address}/team/busybox:1`]
  for (const name of names) done(['rmi', name])
  await upstream.stop()
  for (const name of names) done(['pull', name])
  const missing = caisson.run(['pull', `${HOST}/hub/team/busybox:2`])
  assert.equal(missing.code, 125)
  assert.match(missing.err, /does not answer/)
})

test('an upstream is removed, and what is held stays', { skip }, () => {
  done(['registry', 'upstream', 'rm', upstream.address])
  assert.equal(caisson.run(['registry', 'upstream', 'rm', upstream.address]).code, 125)
  done(['rmi', `${HOST}/hub/team/busybox:1`])
  done(['pull', `${HOST}/hub/team/busybox:1`])
})
