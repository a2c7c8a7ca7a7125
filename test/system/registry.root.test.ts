import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  busyboxRootfs,
  CaissonCommand,
  inNamespaces,
  needsBusybox,
  needsDockerRegistry,
  startDockerRegistry,
} from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox()
const HOST = '127.0.0.1:5000'
const IMAGE = `${HOST}/team/busybox`
let root: string
let admin: CaissonCommand

/** The command as a user who keeps logins in a file of its own. */
const as = (user: string): CaissonCommand =>
  new CaissonCommand({ root, env: { CAISSON_AUTH_FILE: join(root, `${user}.json`) } })

const json = (args: readonly string[]): unknown => JSON.parse(admin.done(['--format', 'json', ...args]))

before(() => {
  if (skip) return
  root = mkdtempSync(join(tmpdir(), 'csn-registry-'))
  admin = as('admin')
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  const before = admin.run(['registry', 'ls'])
  assert.equal(before.code, 125)
  assert.match(before.err, /registry init/)
  admin.done(['registry', 'init'])
  assert.equal(admin.run(['registry', 'init']).code, 125)
  admin.done(['up', '-d'])
  admin.done(['import', '-', `${IMAGE}:1`], busyboxRootfs())
})

after(() => {
  if (skip) return
  assert.equal(admin.run(['down']).code, 0)
  rmSync(root, { recursive: true, force: true })
})

test('lets its first administrator in, and nobody else', { skip }, () => {
  assert.match(admin.done(['status']), /^registry +serving/m)
  assert.equal(as('nobody').run(['push', `${IMAGE}:1`]).code, 125)
  const password = readFileSync(join(root, 'registry/first-admin-password'), 'utf8')
  admin.done(['login', '-u', 'admin', '--password-stdin', HOST], password)
  admin.done(['push', `${IMAGE}:1`])
  assert.equal(admin.done(['tags', IMAGE]), '1\n')
  assert.equal(admin.done(['search', HOST, 'busy']), `${IMAGE}\n`)
  assert.equal(as('nobody').run(['tags', IMAGE]).code, 125)
})

test('gives users rights, and tokens fewer', { skip }, () => {
  const created = admin.run(
    ['registry', 'user', 'create', 'ann', '--grant', 'team/*=pull,push', '--password-stdin'],
    'a password of ann',
  )
  assert.equal(created.code, 0, created.err)
  as('ann').done(['login', '-u', 'ann', '--password-stdin', HOST], 'a password of ann')
  admin.done(['tag', `${IMAGE}:1`, `${IMAGE}:2`])
  as('ann').done(['push', `${IMAGE}:2`])
  admin.done(['tag', `${IMAGE}:1`, `${HOST}/other/busybox:1`])
  assert.equal(as('ann').run(['push', `${HOST}/other/busybox:1`]).code, 125)

  const made = json(['registry', 'token', 'create', 'ann', '--grant', 'team/*=pull', '--ttl', '1h']) as {
    token: { id: string }
    secret: string
  }
  as('robot').done(['login', '-u', made.token.id, '--password-stdin', HOST], made.secret)
  assert.equal(as('robot').done(['tags', IMAGE]), '1\n2\n')
  admin.done(['tag', `${IMAGE}:1`, `${IMAGE}:3`])
  assert.equal(as('robot').run(['push', `${IMAGE}:3`]).code, 125)
  admin.done(['registry', 'token', 'rm', made.token.id])
  assert.equal(as('x').run(['login', '-u', made.token.id, '--password-stdin', HOST], made.secret).code, 125)
  const users = json(['registry', 'user', 'ls']) as { name: string }[]
  assert.deepEqual(users.map(({ name }) => name).sort(), ['admin', 'ann'])
  admin.done(['registry', 'user', 'rm', 'ann'])
  assert.equal(as('x').run(['login', '-u', 'ann', '--password-stdin', HOST], 'a password of ann').code, 125)
})

test('keeps policies, and shows what is there', { skip }, () => {
  admin.done(['registry', 'policy', 'set', 'team/*', '--immutable', '1', '--quota', '1g', '--keep', 'tags=*,newest=1'])
  const shown = admin.done(['registry', 'policy', 'show', 'team/busybox'])
  assert.match(shown, /immutable tags +1/)
  assert.match(shown, /quota +1GiB/)
  admin.done(['import', '--change', 'ENV A=b', '-', `${IMAGE}:1`], busyboxRootfs())
  const moved = admin.run(['push', `${IMAGE}:1`])
  assert.equal(moved.code, 125)
  assert.match(moved.err, /never moves/)

  const [repository] = json(['registry', 'ls', 'team/']) as { name: string; tags: number }[]
  assert.deepEqual([repository?.name, repository?.tags], ['team/busybox', 2])
  const [manifest] = json(['registry', 'inspect', 'team/busybox:1']) as { content: { schemaVersion: number } }[]
  assert.equal(manifest?.content.schemaVersion, 2)
  assert.match(admin.done(['registry', 'tags', 'team/busybox']), /^1 \(immutable\) +sha256:/m)
  assert.equal(admin.done(['registry', 'referrers', 'team/busybox:1']).split('\n').length, 2)
})

test('copies to another registry, and tells webhooks', { skip: skip || needsDockerRegistry() }, async () => {
  await using target = await startDockerRegistry({ auth: { users: { copier: 'of the target' } } })
  const rule = ['registry', 'replication', 'set', 'site2', target.url, '--repository', 'team/*', '--prefix', 'mirror/']
  assert.equal(admin.run([...rule, '-u', 'copier']).code, 125)
  admin.done([...rule, '-u', 'copier', '--password-stdin'], 'of the target\n')
  const standing = () => (json(['registry', 'replication', 'ls']) as { state: string; error?: string }[])[0]
  for (let left = 100; standing()?.state !== 'idle'; left--) {
    assert.ok(left > 0, JSON.stringify(standing()))
    await sleep(100)
  }
  admin.done(['login', '-u', 'copier', '--password-stdin', target.address], 'of the target')
  assert.match(admin.done(['tags', `${target.address}/mirror/team/busybox`]), /^1$/m)
  const listed = admin.done(['registry', 'replication', 'ls'])
  assert.match(listed, /^site2 +team\/\* +\* +http:\S+\/mirror\/ +idle +0 +-/m)
  admin.done(['registry', 'replication', 'sync', 'site2'])
  admin.done(['registry', 'replication', 'rm', 'site2'])

  const key = join(root, 'key')
  writeFileSync(key, 'a key that is long enough\n'.replaceAll(' ', '-'), { mode: 0o600 })
  admin.done([
    'registry',
    'webhook',
    'set',
    'ci',
    `${target.url}/hook`,
    '--secret-file',
    key,
    '--event',
    'manifest.pushed',
  ])
  assert.equal(admin.run(['registry', 'webhook', 'set', 'ci', 'http://192.0.2.1/']).code, 125)
  const tested = admin.run(['registry', 'webhook', 'test', 'ci'])
  assert.deepEqual([tested.code, /not taken.*answers 40[145]/.test(tested.out)], [1, true], tested.out + tested.err)
  assert.match(admin.done(['registry', 'webhook', 'ls']), /^ci +http:/m)
  const [webhook] = json(['registry', 'webhook', 'ls']) as { signed: boolean }[]
  assert.ok(webhook?.signed && !JSON.stringify(webhook).includes('long-enough'))
  admin.done(['registry', 'webhook', 'rm', 'ci'])
  assert.deepEqual(json(['registry', 'webhook', 'ls']), [])
})

test('removes what no rule and no manifest needs', { skip }, () => {
  admin.done(['push', `${IMAGE}:3`])
  const rehearsed = admin.done(['registry', 'retention', '--dry-run'])
  assert.match(rehearsed, /^team\/busybox:2/m)
  assert.doesNotMatch(rehearsed, /busybox:[13]/)
  assert.equal((json(['registry', 'ls']) as { tags: number }[])[0]?.tags, 3)
  admin.done(['registry', 'rm', 'team/busybox:2'])
  assert.equal(admin.run(['registry', 'rm', 'team/busybox']).code, 125)
  admin.done(['registry', 'policy', 'unset', 'team/*'])
  admin.done(['registry', 'rm', '--force', 'team/busybox'])
  assert.deepEqual(json(['registry', 'ls']), [])
  assert.match(admin.done(['registry', 'gc']), /^freed: /m)
})

test('tells of what happens in it', { skip }, () => {
  const events = admin.done(['events', '--no-follow', '--since', '1h', '--filter', 'service=registry'])
  assert.match(events, /team\/busybox/)
})

test('is started alone, and an engine that runs without it says so', { skip }, () => {
  admin.done(['down'])
  admin.done(['up', '-d', '--service', 'registry'])
  assert.doesNotMatch(admin.done(['status']), /runtime/)
  const more = admin.run(['up', '-d'])
  assert.equal(more.code, 125)
  assert.match(more.err, /runs without image-store and network and runtime/)
  admin.done(['down'])
  writeFileSync(join(root, 'etc/registry.json'), '{"host":"0.0.0.0"}')
  const open = admin.run(['up', '-d', '--service', 'registry'])
  assert.equal(open.code, 125)
  assert.match(open.err, /plain HTTP is for a loopback address only/)
  admin.done(['up', '-d', '--service', 'image-store'])
})
