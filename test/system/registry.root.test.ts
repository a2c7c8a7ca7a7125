import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { busyboxRootfs, inNamespaces, needsBusybox, needsDockerRegistry, startDockerRegistry } from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox()
const caisson = join(import.meta.dirname, '../../caisson')
const HOST = '127.0.0.1:5000'
const IMAGE = `${HOST}/team/busybox`
let root: string

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs the command as a user who keeps logins in a file of its own. */
function run(
  args: readonly string[],
  { input = '', user = 'admin' }: { input?: Uint8Array | string; user?: string } = {},
): Ran {
  const env = { ...process.env, CAISSON_AUTH_FILE: join(root, `${user}.json`) }
  const ran = spawnSync(caisson, ['--root', root, ...args], { input, timeout: 60_000, cwd: '/', env })
  return { code: ran.status, out: ran.stdout.toString(), err: ran.stderr.toString() }
}

/** Runs a command that has to go well, and returns what it printed. */
function done(args: readonly string[], options: { input?: Uint8Array | string; user?: string } = {}): string {
  const ran = run(args, options)
  assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.err}`)
  return ran.out
}

const json = (args: readonly string[]): unknown => JSON.parse(done(['--format', 'json', ...args]))

before(() => {
  if (skip) return
  root = mkdtempSync(join(tmpdir(), 'csn-registry-'))
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  const before = run(['registry', 'ls'])
  assert.equal(before.code, 125)
  assert.match(before.err, /registry init/)
  done(['registry', 'init'])
  assert.equal(run(['registry', 'init']).code, 125)
  done(['up', '-d'])
  done(['import', '-', `${IMAGE}:1`], { input: busyboxRootfs() })
})

after(() => {
  if (skip) return
  assert.equal(run(['down']).code, 0)
  rmSync(root, { recursive: true, force: true })
})

test('lets its first administrator in, and nobody else', { skip }, () => {
  assert.match(done(['status']), /^registry +serving/m)
  assert.equal(run(['push', `${IMAGE}:1`], { user: 'nobody' }).code, 125)
  const password = readFileSync(join(root, 'registry/first-admin-password'), 'utf8')
  done(['login', '-u', 'admin', '--password-stdin', HOST], { input: password })
  done(['push', `${IMAGE}:1`])
  assert.equal(done(['tags', IMAGE]), '1\n')
  assert.equal(done(['search', HOST, 'busy']), `${IMAGE}\n`)
  assert.equal(run(['tags', IMAGE], { user: 'nobody' }).code, 125)
})

test('gives users rights, and tokens fewer', { skip }, () => {
  const created = run(['registry', 'user', 'create', 'ann', '--grant', 'team/*=pull,push', '--password-stdin'], {
    input: 'a password of ann',
  })
  assert.equal(created.code, 0, created.err)
  done(['login', '-u', 'ann', '--password-stdin', HOST], { input: 'a password of ann', user: 'ann' })
  done(['tag', `${IMAGE}:1`, `${IMAGE}:2`])
  done(['push', `${IMAGE}:2`], { user: 'ann' })
  done(['tag', `${IMAGE}:1`, `${HOST}/other/busybox:1`])
  assert.equal(run(['push', `${HOST}/other/busybox:1`], { user: 'ann' }).code, 125)

  const made = json(['registry', 'token', 'create', 'ann', '--grant', 'team/*=pull', '--ttl', '1h']) as {
    token: { id: string }
    secret: string
  }
  done(['login', '-u', made.token.id, '--password-stdin', HOST], { input: made.secret, user: 'robot' })
  assert.equal(done(['tags', IMAGE], { user: 'robot' }), '1\n2\n')
  done(['tag', `${IMAGE}:1`, `${IMAGE}:3`])
  assert.equal(run(['push', `${IMAGE}:3`], { user: 'robot' }).code, 125)
  done(['registry', 'token', 'rm', made.token.id])
  assert.equal(
    run(['login', '-u', made.token.id, '--password-stdin', HOST], { input: made.secret, user: 'x' }).code,
    125,
  )
  const users = json(['registry', 'user', 'ls']) as { name: string }[]
  assert.deepEqual(users.map(({ name }) => name).sort(), ['admin', 'ann'])
  done(['registry', 'user', 'rm', 'ann'])
  assert.equal(
    run(['login', '-u', 'ann', '--password-stdin', HOST], { input: 'a password of ann', user: 'x' }).code,
    125,
  )
})

test('keeps policies, and shows what is there', { skip }, () => {
  done(['registry', 'policy', 'set', 'team/*', '--immutable', '1', '--quota', '1g', '--keep', 'tags=*,newest=1'])
  const shown = done(['registry', 'policy', 'show', 'team/busybox'])
  assert.match(shown, /immutable tags +1/)
  assert.match(shown, /quota +1GiB/)
  done(['import', '--change', 'ENV A=b', '-', `${IMAGE}:1`], { input: busyboxRootfs() })
  const moved = run(['push', `${IMAGE}:1`])
  assert.equal(moved.code, 125)
  assert.match(moved.err, /never moves/)

  const [repository] = json(['registry', 'ls', 'team/']) as { name: string; tags: number }[]
  assert.deepEqual([repository?.name, repository?.tags], ['team/busybox', 2])
  const [manifest] = json(['registry', 'inspect', 'team/busybox:1']) as { content: { schemaVersion: number } }[]
  assert.equal(manifest?.content.schemaVersion, 2)
  assert.match(done(['registry', 'tags', 'team/busybox']), /^1 \(immutable\) +sha256:/m)
  assert.equal(done(['registry', 'referrers', 'team/busybox:1']).split('\n').length, 2)
})

test('copies to another registry, and tells webhooks', { skip: skip || needsDockerRegistry() }, async () => {
  await using target = await startDockerRegistry({ auth: { users: { copier: 'of the target' } } })
  const rule = ['registry', 'replication', 'set', 'site2', target.url, '--repository', 'team/*', '--prefix', 'mirror/']
  assert.equal(run([...rule, '-u', 'copier']).code, 125)
  done([...rule, '-u', 'copier', '--password-stdin'], { input: 'of the target\n' })
  const standing = () => (json(['registry', 'replication', 'ls']) as { state: string; error?: string }[])[0]
  for (let left = 100; standing()?.state !== 'idle'; left--) {
    assert.ok(left > 0, JSON.stringify(standing()))
    await sleep(100)
  }
  done(['login', '-u', 'copier', '--password-stdin', target.address], { input: 'of the target' })
  assert.match(done(['tags', `${target.address}/mirror/team/busybox`]), /^1$/m)
  const listed = done(['registry', 'replication', 'ls'])
  assert.match(listed, /^site2 +team\/\* +\* +http:\S+\/mirror\/ +idle +0 +-/m)
  done(['registry', 'replication', 'sync', 'site2'])
  done(['registry', 'replication', 'rm', 'site2'])

  const key = join(root, 'key')
  writeFileSync(key, 'a key that is long enough\n'.replaceAll(' ', '-'), { mode: 0o600 })
  done(['registry', 'webhook', 'set', 'ci', `${target.url}/hook`, '--secret-file', key, '--event', 'manifest.pushed'])
  assert.equal(run(['registry', 'webhook', 'set', 'ci', 'http://192.0.2.1/']).code, 125)
  const tested = run(['registry', 'webhook', 'test', 'ci'])
  assert.deepEqual([tested.code, /not taken.*answers 40[145]/.test(tested.out)], [1, true], tested.out + tested.err)
  assert.match(done(['registry', 'webhook', 'ls']), /^ci +http:/m)
  const [webhook] = json(['registry', 'webhook', 'ls']) as { signed: boolean }[]
  assert.ok(webhook?.signed && !JSON.stringify(webhook).includes('long-enough'))
  done(['registry', 'webhook', 'rm', 'ci'])
  assert.deepEqual(json(['registry', 'webhook', 'ls']), [])
})

test('removes what no rule and no manifest needs', { skip }, () => {
  const rehearsed = done(['registry', 'retention', '--dry-run'])
  assert.match(rehearsed, /^team\/busybox:/m)
  assert.equal((json(['registry', 'ls']) as { tags: number }[])[0]?.tags, 2)
  done(['registry', 'rm', 'team/busybox:2'])
  assert.equal(run(['registry', 'rm', 'team/busybox']).code, 125)
  done(['registry', 'policy', 'unset', 'team/*'])
  done(['registry', 'rm', '--force', 'team/busybox'])
  assert.deepEqual(json(['registry', 'ls']), [])
  assert.match(done(['registry', 'gc']), /^freed: /m)
})

test('tells of what happens in it', { skip }, () => {
  const events = done(['events', '--no-follow', '--since', '1h', '--filter', 'service=registry'])
  assert.match(events, /team\/busybox/)
})

test('is started alone, and an engine that runs without it says so', { skip }, () => {
  done(['down'])
  done(['up', '-d', '--service', 'registry'])
  assert.doesNotMatch(done(['status']), /runtime/)
  const more = run(['up', '-d'])
  assert.equal(more.code, 125)
  assert.match(more.err, /runs without image-store and network and runtime/)
  done(['down'])
  writeFileSync(join(root, 'etc/registry.json'), '{"host":"0.0.0.0"}')
  const open = run(['up', '-d', '--service', 'registry'])
  assert.equal(open.code, 125)
  assert.match(open.err, /plain HTTP is for a loopback address only/)
  done(['up', '-d', '--service', 'image-store'])
})
