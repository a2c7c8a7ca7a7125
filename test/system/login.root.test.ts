import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  busyboxRootfs,
  type DockerRegistry,
  inNamespaces,
  needsBusybox,
  needsDockerRegistry,
  startDockerRegistry,
} from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox() || needsDockerRegistry()
const caisson = join(import.meta.dirname, '../../caisson')
let root: string
let authFile: string
let registry: DockerRegistry

function run(args: readonly string[], input?: Uint8Array | string) {
  const env = { ...process.env, CAISSON_AUTH_FILE: authFile }
  const ran = spawnSync(caisson, ['--root', root, ...args], { input: input ?? '', timeout: 60_000, cwd: '/', env })
  return { code: ran.status, out: ran.stdout.toString(), err: ran.stderr.toString() }
}

before(async () => {
  if (skip) return
  root = mkdtempSync(join(tmpdir(), 'csn-login-'))
  authFile = join(root, 'user/auth.json')
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  registry = await startDockerRegistry({ auth: { users: { ann: 'secret' } } })
  assert.equal(run(['up', '-d']).code, 0)
})

after(async () => {
  if (skip) return
  assert.equal(run(['down']).code, 0)
  rmSync(root, { recursive: true, force: true })
  await registry.stop()
})

test('logs in, pushes, lists and pulls as that user, and logs out', { skip }, () => {
  const name = `${registry.address}/team/busybox:1`
  assert.equal(run(['import', '-', name], busyboxRootfs()).code, 0)
  const refused = run(['push', name])
  assert.equal(refused.code, 125)
  assert.match(refused.err, /log in/)

  const wrong = run(['login', '-u', 'ann', '--password-stdin', registry.address], 'wrong\n')
  assert.equal(wrong.code, 125)
  assert.doesNotMatch(wrong.err, /wrong/)
  assert.equal(existsSync(authFile), false)

  const login = run(['login', '-u', 'ann', '--password-stdin', registry.address], 'secret\n')
  assert.equal(login.code, 0, login.err)
  assert.equal(login.out, `logged in to ${registry.address} as ann\n`)
  assert.equal(statSync(authFile).mode & 0o777, 0o600)

  assert.equal(run(['push', '-q', name]).code, 0)
  assert.equal(run(['tags', `${registry.address}/team/busybox`]).out, '1\n')
  assert.deepEqual(JSON.parse(run(['--format', 'json', 'search', registry.address, 'busy']).out), [
    `${registry.address}/team/busybox`,
  ])
  assert.equal(run(['search', registry.address, 'nothing']).out, '')
  assert.equal(run(['image', 'rm', name]).code, 0)
  const ran = run(['run', '--rm', '-q', '--network', 'none', name, 'true'])
  assert.equal(ran.code, 0, ran.err)

  assert.equal(run(['logout', registry.address]).out, `logged out of ${registry.address}\n`)
  assert.equal(run(['pull', name]).code, 125)
  assert.equal(run(['logout', registry.address]).out, `there was no login of ${registry.address}\n`)
})

test('asks nobody where no terminal is', { skip }, () => {
  const asked = run(['login', registry.address])
  assert.equal(asked.code, 125)
  assert.match(asked.err, /--password-stdin/)
})
