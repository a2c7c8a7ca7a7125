import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CaissonError, type Partially } from '@caisson/api'
import { type Mount, MountKind } from '@caisson/api/container'
import { eventually } from './fixture.ts'
import { needsRealHost, RealHost } from './real-host.ts'

const skip = needsRealHost()
let host: RealHost

before(async () => {
  if (skip === false) host = await RealHost.start()
})
after(async () => {
  if (skip === false) await host[Symbol.asyncDispose]()
})

const volume = (source: string, target: string, more: Partially<Mount> = {}): Partially<Mount> => ({
  kind: MountKind.VOLUME,
  source,
  target,
  ...more,
})

/** Runs a script to its end. */
async function run(script: string, mounts: readonly Partially<Mount>[], more: object = {}): Promise<string> {
  const { id } = await host.containers.create({ spec: host.script(script, { mounts, ...more }) })
  await host.containers.start({ container: id })
  const { exit } = await host.containers.wait({ container: id })
  let output = ''
  for await (const { item } of host.containers.logs({ container: id }))
    if (item?.$case === 'output') output += item.value.data.toString()
  assert.equal(exit?.exitCode, 0, output)
  await host.containers.remove({ container: id, volumes: true })
  return output
}

const reasonOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error) => (error instanceof CaissonError ? error.reason : String(error)),
  )

test('two containers with different ids on the host share a volume, and see the same owners', { skip }, async () => {
  const first = await host.started(
    'one',
    host.script('touch /v/a; chown 7:8 /v/a; sleep 60', { mounts: [volume('shared', '/v')] }),
  )
  const second = await host.started('two', host.script('sleep 60', { mounts: [volume('shared', '/v')] }))
  const ranges = await Promise.all([first, second].map((container) => host.containers.get({ container })))
  assert.notEqual(ranges[0]?.idRangeStart, ranges[1]?.idRangeStart)
  const path = (await host.volumes.get({ name: 'shared' })).mountpoint
  await eventually(() => existsSync(join(path, 'a')) && statSync(join(path, 'a')).uid === 7)
  assert.equal(statSync(join(path, 'a')).gid, 8)
  assert.equal(await run('stat -c %u:%g /v/a; cat /v/a; echo more > /v/a', [volume('shared', '/v')]), '7:8\n')
  assert.equal(readFileSync(join(path, 'a'), 'utf8'), 'more\n')
  assert.deepEqual((await host.volumes.get({ name: 'shared' })).usedBy.toSorted(), [first, second].toSorted())
  assert.equal(await reasonOf(host.volumes.remove({ name: 'shared' })), 'VOLUME_IN_USE')
  assert.equal(await reasonOf(host.volumes.remove({ name: 'shared', force: true })), 'VOLUME_IN_USE')
  for (const container of [first, second]) await host.containers.remove({ container, force: true, volumes: true })
  assert.equal(existsSync(join(path, 'a')), true)
  await host.volumes.remove({ name: 'shared' })
  await eventually(() => !existsSync(path))
})

test('a new volume is filled with what the image has there; nocopy leaves it empty', { skip }, async () => {
  const list = 'cd /etc; ls passwd group 2>/dev/null; true'
  assert.equal(await run(list, [volume('filled', '/etc')]), 'group\npasswd\n')
  assert.equal(await run('rm /etc/group', [volume('filled', '/etc')]), '')
  assert.equal(await run(list, [volume('filled', '/etc')]), 'passwd\n')
  assert.equal(await run(list, [volume('bare', '/etc', { noCopy: true })]), '')
})

test('the top directory gets owner and mode of the image, or those that were asked for', { skip }, async () => {
  assert.equal(await run('stat -c %u:%g:%a /tmp', [volume('top', '/tmp')]), '0:0:755\n')
  await host.volumes.create({ name: 'mine', owner: '1000:1000', mode: 0o700 })
  assert.equal(await run('stat -c %u:%g:%a /tmp', [volume('mine', '/tmp')]), '1000:1000:700\n')
})

test('a read-only volume takes no changes', { skip }, async () => {
  assert.match(await run('touch /v/x 2>&1 || true', [volume('ro', '/v', { readOnly: true })]), /Read-only file system/)
})

test('no device in a volume is of use, and a privileged container cannot be told one', { skip }, async () => {
  assert.match(await run('grep " /v " /proc/mounts', [volume('dev', '/v')]), /nodev/)
})

test('a part of a volume is mounted; links in it never lead outside', { skip }, async () => {
  const { mountpoint } = await host.volumes.create({ name: 'parts' })
  mkdirSync(join(mountpoint, 'a/b'), { recursive: true })
  writeFileSync(join(mountpoint, 'a/b/f'), 'inside')
  mkdirSync(join(mountpoint, 'etc'))
  symlinkSync('/etc', join(mountpoint, 'away'))
  symlinkSync('../../../../../../../etc', join(mountpoint, 'up'))
  const part = (subpath: string, target = '/v') => [volume('parts', target, { subpath })]
  assert.equal(await run('cat /v/f', part('a/b')), 'inside')
  assert.equal(await run('cat /file', part('a/b/f', '/file')), 'inside')
  assert.equal(await run('ls /v', part('away')), '')
  assert.equal(await run('ls /v', part('up')), '')
  const { id } = await host.containers.create({ spec: host.script('true', { mounts: part('missing') }) })
  assert.equal(await reasonOf(host.containers.start({ container: id })), 'MOUNT_FAILED')
  for (const subpath of ['../x', '/etc', 'a/../../x'])
    assert.equal(
      await reasonOf(host.containers.create({ spec: host.script('true', { mounts: part(subpath) }) })),
      'INVALID_FIELD',
    )
})

test('who swaps a directory of a volume for a link while it is mounted gets nothing of the host', {
  skip,
}, async () => {
  await host.volumes.create({ name: 'raced' })
  const swap =
    'cd /v; mkdir -p d; ln -s /etc l; ln -s ../../../../../../etc u; while :; do mv d x; mv l d; mv d l; mv u d; mv d u; mv x d; done'
  const racer = await host.started('racer', host.script(swap, { mounts: [volume('raced', '/v')] }))
  let mounted = 0
  for (let tries = 0; tries < 25; tries++) {
    const { id } = await host.containers.create({
      spec: host.script('test ! -e /p/shadow && test ! -e /p/passwd', {
        mounts: [volume('raced', '/p', { subpath: 'd' })],
      }),
    })
    const started = await reasonOf(host.containers.start({ container: id }))
    if (started === 'done') {
      mounted++
      const { exit } = await host.containers.wait({ container: id })
      assert.equal(exit?.exitCode, 0)
    } else assert.match(started, /MOUNT_FAILED|UNSAFE_CONTENT/)
    await host.containers.remove({ container: id, force: true })
  }
  assert.ok(mounted > 0)
  await host.containers.remove({ container: racer, force: true })
})

test('anonymous volumes go with rm -v and with a container that removes itself, and stay otherwise', {
  skip,
}, async () => {
  const names = async () => (await host.volumes.list({})).volumes.filter((one) => one.anonymous).map(({ name }) => name)
  const spec = host.script('echo x > /v/x', { mounts: [volume('', '/v')] })
  const first = await host.started('', spec)
  await host.containers.wait({ container: first })
  const [name = ''] = await names()
  assert.match(name, /^[0-9a-f]{64}$/)
  const { mountpoint, madeFor, usedBy } = await host.volumes.get({ name })
  assert.equal(madeFor, first)
  assert.deepEqual(usedBy, [first])
  assert.deepEqual(readdirSync(mountpoint), ['x'])
  await host.containers.remove({ container: first })
  assert.deepEqual(await names(), [name])
  assert.deepEqual((await host.volumes.prune({})).removed, [name])
  const second = await host.started('', spec)
  await host.containers.wait({ container: second })
  await host.containers.remove({ container: second, volumes: true })
  assert.deepEqual(await names(), [])
  for await (const { item } of host.containers.run({ create: { spec: { ...spec, autoRemove: true } } }))
    if (item?.$case === 'exited') assert.equal(item.value.exitCode, 0)
  assert.deepEqual(await names(), [])
  await eventually(() => !existsSync(mountpoint))
})

test('--volumes-from gives what another container has, read-only when asked', { skip }, async () => {
  const from = await host.started('source', host.script('echo hello > /v/x', { mounts: [volume('', '/v')] }))
  await host.containers.wait({ container: from })
  assert.equal(await run('cat /v/x', [], { volumesFrom: ['source'] }), 'hello\n')
  assert.match(await run('touch /v/y 2>&1 || true', [], { volumesFrom: ['source:ro'] }), /Read-only/)
  await host.containers.remove({ container: from, volumes: true })
})

test('a volume of memory is shared, and is empty again when it was removed', { skip }, async () => {
  await host.volumes.create({ name: 'memory', driver: 'tmpfs', options: { size: '1m' } })
  assert.equal(await run('echo x > /v/x', [volume('memory', '/v')]), '')
  assert.equal(await run('cat /v/x; df -k /v | tail -1 | awk "{print \\$2}"', [volume('memory', '/v')]), 'x\n1024\n')
  assert.match(
    await run('head -c 2000000 /dev/zero 2>&1 > /v/big || true', [volume('memory', '/v')]),
    /No space|I\/O error/,
  )
  const { mountpoint } = await host.volumes.get({ name: 'memory' })
  await host.volumes.remove({ name: 'memory' })
  await eventually(() => !existsSync(mountpoint))
  assert.equal(readFileSync('/proc/self/mountinfo', 'utf8').includes(mountpoint), false)
})

test('a clone has the content of one moment, while a container writes', { skip }, async () => {
  const writer = await host.started(
    'writer',
    host.script('i=0; while :; do i=$((i+1)); echo $i > /v/t; mv /v/t /v/a; echo $i > /v/t; mv /v/t /v/b; done', {
      mounts: [volume('live', '/v')],
    }),
  )
  const { mountpoint } = await host.volumes.get({ name: 'live' })
  await eventually(() => existsSync(join(mountpoint, 'b')))
  for (let round = 0; round < 5; round++) {
    const { mountpoint: copy, name } = await host.volumes.clone({
      source: 'live',
      name: `copy${round}`,
      labels: { round: String(round) },
    })
    const [a, b] = ['a', 'b'].map((file) => Number(readFileSync(join(copy, file), 'utf8')))
    assert.ok(Math.abs((a ?? 0) - (b ?? 9)) <= 1, `${a} and ${b}`)
    await host.volumes.remove({ name })
  }
  assert.equal((await host.containers.get({ container: writer })).state, 3)
  await host.containers.remove({ container: writer, force: true })
})
