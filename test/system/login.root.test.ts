import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
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
let caisson: CaissonCommand
let authFile: string
let registry: DockerRegistry

before(async () => {
  if (skip) return
  const root = mkdtempSync(join(tmpdir(), 'csn-login-'))
  authFile = join(root, 'user/auth.json')
  caisson = new CaissonCommand({ root, env: { CAISSON_AUTH_FILE: authFile } })
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  registry = await startDockerRegistry({ auth: { users: { ann: 'secret' } } })
  assert.equal(caisson.run(['up', '-d']).code, 0)
})

after(async () => {
  if (skip) return
  assert.equal(caisson.run(['down']).code, 0)
  rmSync(caisson.root, { recursive: true, force: true })
  await registry.stop()
})

test('logs in, pushes, lists and pulls as that user, and logs out', { skip }, () => {
  const name = `${registry.address}/team/busybox:1`
  assert.equal(caisson.run(['import', '-', name], busyboxRootfs()).code, 0)
  const refused = caisson.run(['push', name])
  assert.equal(refused.code, 125)
  assert.match(refused.err, /log in/)

  const wrong = caisson.run(['login', '-u', 'ann', '--password-stdin', registry.address], 'wrong\n')
  assert.equal(wrong.code, 125)
  assert.doesNotMatch(wrong.err, /wrong/)
  assert.equal(existsSync(authFile), false)

  const login = caisson.run(['login', '-u', 'ann', '--password-stdin', registry.address], 'secret\n')
  assert.equal(login.code, 0, login.err)
  assert.equal(login.out, `logged in to ${registry.address} as ann\n`)
  assert.equal(statSync(authFile).mode & 0o777, 0o600)

  assert.equal(caisson.run(['push', '-q', name]).code, 0)
  assert.equal(caisson.run(['tags', `${registry.address}/team/busybox`]).out, '1\n')
  assert.deepEqual(JSON.parse(caisson.run(['--format', 'json', 'search', registry.address, 'busy']).out), [
    `${registry.address}/team/busybox`,
  ])
  assert.equal(caisson.run(['search', registry.address, 'nothing']).out, '')
  assert.equal(caisson.run(['image', 'rm', name]).code, 0)
  const ran = caisson.run(['run', '--rm', '-q', '--network', 'none', name, 'true'])
  assert.equal(ran.code, 0, ran.err)

  assert.equal(caisson.run(['logout', registry.address]).out, `logged out of ${registry.address}\n`)
  assert.equal(caisson.run(['pull', name]).code, 125)
  assert.equal(caisson.run(['logout', registry.address]).out, `there was no login of ${registry.address}\n`)
})

test('asks nobody where no terminal is', { skip }, () => {
  const asked = caisson.run(['login', registry.address])
  assert.equal(asked.code, 125)
  assert.match(asked.err, /--password-stdin/)
})
