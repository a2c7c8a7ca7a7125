import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { busyboxRootfs, CaissonCommand, inNamespaces, needsBusybox } from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox()
let caisson: CaissonCommand

const setPolicy = (policy: object | string): void =>
  writeFileSync(join(caisson.root, 'etc/trust.json'), typeof policy === 'string' ? policy : JSON.stringify(policy))

before(() => {
  if (skip) return
  caisson = new CaissonCommand()
  mkdirSync(join(caisson.root, 'etc'))
  const up = caisson.run(['up', '-d'])
  assert.equal(up.code, 0, up.err)
  const imported = caisson.run(['import', '-', 'busybox'], busyboxRootfs())
  assert.equal(imported.code, 0, imported.err)
})

after(() => {
  if (skip) return
  assert.equal(caisson.run(['down']).code, 0)
  rmSync(caisson.root, { recursive: true, force: true })
})

test('a policy counts from the next container on, and what it refuses leaves nothing behind', { skip }, () => {
  assert.equal(caisson.run(['run', '--rm', 'busybox', 'true']).code, 0)
  assert.match(caisson.run(['images', '--trust']).out, /TRUST[\s\S]*unsigned/)
  assert.equal(caisson.run(['trust', 'check', 'busybox']).code, 0)

  setPolicy({ rules: [{ scope: 'docker.io/library/busybox', type: 'reject' }] })
  const refused = caisson.run(['run', '--rm', 'busybox', 'true'])
  assert.equal(refused.code, 125)
  assert.match(
    refused.err,
    /image busybox:latest is refused by the trust policy's rule for docker.io\/library\/busybox/,
  )
  assert.equal(caisson.run(['ps', '-a', '-q']).out, '')
  const checked = caisson.run(['trust', 'check', 'busybox'])
  assert.equal(checked.code, 1)
  assert.match(checked.out, /docker.io\/library\/busybox:latest +rejected +docker.io\/library\/busybox/)
  assert.match(caisson.run(['trust', 'policy']).out, /default +warn[\s\S]*docker.io\/library\/busybox +reject/)

  setPolicy('{ "rules": ')
  const broken = caisson.run(['run', '--rm', 'busybox', 'true'])
  assert.equal(broken.code, 125)
  assert.match(broken.err, /the trust policy .*trust.json cannot be used/)

  setPolicy({})
  assert.equal(caisson.run(['run', '--rm', 'busybox', 'true']).code, 0)
})

test('a policy can be checked before it is used', { skip }, () => {
  const wrong = caisson.run(['trust', 'policy', '-'], '{"default":{"type":"signedBy","keys":[{"file":"gone.pem"}]}}')
  assert.equal(wrong.code, 125)
  assert.match(wrong.err, /default.keys.0: .*gone.pem/)
  assert.equal(caisson.run(['trust', 'policy', '-'], '{"default":{"type":"reject"}}').code, 0)
  const shown = JSON.parse(caisson.run(['--format', 'json', 'trust', 'inspect', 'busybox']).out)
  assert.equal(shown[0].names[0].state, 'TRUST_STATE_ACCEPTED_UNSIGNED')
})
