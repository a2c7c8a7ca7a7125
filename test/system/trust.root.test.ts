import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { busyboxRootfs, inNamespaces, needsBusybox } from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox()
const caisson = join(import.meta.dirname, '../../caisson')
let root: string

function run(args: readonly string[], input?: Uint8Array | string) {
  const ran = spawnSync(caisson, ['--root', root, ...args], { input: input ?? '', timeout: 60_000, cwd: '/' })
  return { code: ran.status, out: ran.stdout.toString(), err: ran.stderr.toString() }
}

const setPolicy = (policy: object | string): void =>
  writeFileSync(join(root, 'etc/trust.json'), typeof policy === 'string' ? policy : JSON.stringify(policy))

before(() => {
  if (skip) return
  root = mkdtempSync(join(tmpdir(), 'csn-trust-'))
  mkdirSync(join(root, 'etc'))
  const up = run(['up', '-d'])
  assert.equal(up.code, 0, up.err)
  const imported = run(['import', '-', 'busybox'], busyboxRootfs())
  assert.equal(imported.code, 0, imported.err)
})

after(() => {
  if (skip) return
  assert.equal(run(['down']).code, 0)
  rmSync(root, { recursive: true, force: true })
})

test('a policy counts from the next container on, and what it refuses leaves nothing behind', { skip }, () => {
  assert.equal(run(['run', '--rm', 'busybox', 'true']).code, 0)
  assert.match(run(['images', '--trust']).out, /TRUST[\s\S]*unsigned/)
  assert.equal(run(['trust', 'check', 'busybox']).code, 0)

  setPolicy({ rules: [{ scope: 'docker.io/library/busybox', type: 'reject' }] })
  const refused = run(['run', '--rm', 'busybox', 'true'])
  assert.equal(refused.code, 125)
  assert.match(
    refused.err,
    /image busybox:latest is refused by the trust policy's rule for docker.io\/library\/busybox/,
  )
  assert.equal(run(['ps', '-a', '-q']).out, '')
  const checked = run(['trust', 'check', 'busybox'])
  assert.equal(checked.code, 1)
  assert.match(checked.out, /docker.io\/library\/busybox:latest +rejected +docker.io\/library\/busybox/)
  assert.match(run(['trust', 'policy']).out, /default +warn[\s\S]*docker.io\/library\/busybox +reject/)

  setPolicy('{ "rules": ')
  const broken = run(['run', '--rm', 'busybox', 'true'])
  assert.equal(broken.code, 125)
  assert.match(broken.err, /the trust policy .*trust.json cannot be used/)

  setPolicy({})
  assert.equal(run(['run', '--rm', 'busybox', 'true']).code, 0)
})

test('a policy can be checked before it is used', { skip }, () => {
  const wrong = run(['trust', 'policy', '-'], '{"default":{"type":"signedBy","keys":[{"file":"gone.pem"}]}}')
  assert.equal(wrong.code, 125)
  assert.match(wrong.err, /default.keys.0: .*gone.pem/)
  assert.equal(run(['trust', 'policy', '-'], '{"default":{"type":"reject"}}').code, 0)
  const shown = JSON.parse(run(['--format', 'json', 'trust', 'inspect', 'busybox']).out)
  assert.equal(shown[0].names[0].state, 'TRUST_STATE_ACCEPTED_UNSIGNED')
})
