import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseRepositoryName, parseTagName } from '../src/distribution/names.ts'
import { imageLayout } from './image-layout.ts'
import { lacks, run } from './programs.ts'
import { grant, PASSWORD, type RegistryWithUsers, startWithUsers } from './registry-users.ts'

async function withUsers(): Promise<RegistryWithUsers> {
  const registry = await startWithUsers()
  await registry.administration.createUser('alice', PASSWORD, [grant('team/*', 'pull', 'push', 'delete')])
  await registry.administration.createUser('bob', PASSWORD, [grant('team/app', 'pull')])
  return registry
}

const login = (registry: RegistryWithUsers, user: string, password = PASSWORD, program = 'skopeo') =>
  run(
    program,
    [
      'login',
      '--tls-verify=false',
      '--authfile',
      join(registry.dir, `${user}.json`),
      '-u',
      user,
      '--password-stdin',
      registry.address,
    ],
    { input: password },
  )

const skopeo = (registry: RegistryWithUsers, user: string, ...args: string[]) =>
  run('skopeo', ['--insecure-policy', ...args], { env: { REGISTRY_AUTH_FILE: join(registry.dir, `${user}.json`) } })

test('skopeo logs in, pushes, pulls, mounts and deletes as far as its user may', {
  skip: lacks('skopeo'),
}, async () => {
  await using registry = await withUsers()
  const image = imageLayout(registry.dir)
  const at = (name: string): string => `docker://${registry.address}/${name}`
  assert.notEqual((await login(registry, 'alice', 'wrong password')).code, 0)
  for (const user of ['alice', 'bob']) assert.equal((await login(registry, user)).code, 0)
  const push = (user: string, name: string) =>
    skopeo(registry, user, 'copy', '--dest-tls-verify=false', image, at(name))
  const inspect = (user: string, name: string) =>
    skopeo(registry, user, 'inspect', '--raw', '--tls-verify=false', at(name))
  const pushed = await push('alice', 'team/app:1')
  assert.equal(pushed.code, 0, pushed.output)
  assert.match((await inspect('bob', 'team/app:1')).output, /"schemaVersion":2/)
  const denied = [
    await push('bob', 'team/app:2'),
    await push('alice', 'other/app:1'),
    await push('nobody', 'team/app:2'),
    await inspect('bob', 'team/other:1'),
    await inspect('nobody', 'team/app:1'),
    await skopeo(registry, 'bob', 'delete', '--tls-verify=false', at('team/app:1')),
  ]
  for (const { code, output } of denied) {
    assert.notEqual(code, 0)
    assert.match(output, /unauthorized|denied|authentication required|requested access/i)
  }
  const copied = await skopeo(
    registry,
    'alice',
    'copy',
    '--src-tls-verify=false',
    '--dest-tls-verify=false',
    at('team/app:1'),
    at('team/copy:1'),
  )
  assert.equal(copied.code, 0, copied.output)
  assert.equal((await skopeo(registry, 'alice', 'delete', '--tls-verify=false', at('team/copy:1'))).code, 0)
  await registry.service.policies.set('team/app', {
    anonymousPull: true,
    immutableTags: [],
    quotaBytes: 0,
    retention: [],
    deletes: false,
  })
  assert.equal((await inspect('nobody', 'team/app:1')).code, 0)
  assert.notEqual((await push('nobody', 'team/app:3')).code, 0)
})

test('skopeo lists tags and inspects, and takes over an image with all its tags', {
  skip: lacks('skopeo'),
}, async () => {
  await using registry = await withUsers()
  assert.equal((await login(registry, 'alice')).code, 0)
  const at = (name: string): string => `docker://${registry.address}/${name}`
  const done = async (...args: string[]): Promise<string> => {
    const { code, output } = await skopeo(registry, 'alice', ...args)
    assert.equal(code, 0, output)
    return output
  }
  const image = imageLayout(registry.dir)
  for (const tag of ['1', '2', 'latest']) await done('copy', '--dest-tls-verify=false', image, at(`team/app:${tag}`))
  const listed = JSON.parse(await done('list-tags', '--tls-verify=false', at('team/app'))) as object
  assert.deepEqual(listed, { Repository: `${registry.address}/team/app`, Tags: ['1', '2', 'latest'] })
  const inspected = JSON.parse(await done('inspect', '--tls-verify=false', at('team/app:2'))) as {
    Digest: string
    RepoTags: string[]
    Architecture: string
    Layers: string[]
  }
  const { digest } = (await registry.backend.records.manifestStat(parseRepositoryName('team/app'), {
    tag: parseTagName('2'),
  })) ?? { digest: '' }
  assert.deepEqual(
    [inspected.Digest, inspected.Architecture, inspected.RepoTags, inspected.Layers.length],
    [digest, 'amd64', ['1', '2', 'latest'], 1],
  )
  const config = JSON.parse(await done('inspect', '--config', '--tls-verify=false', at(`team/app@${digest}`))) as object
  assert.ok('rootfs' in config)
  await done(
    'sync',
    '--src',
    'docker',
    '--dest',
    'dir',
    '--src-tls-verify=false',
    `${registry.address}/team/app`,
    registry.dir,
  )
  for (const tag of ['1', '2', 'latest']) assert.ok(existsSync(join(registry.dir, `app:${tag}`, 'manifest.json')), tag)
  await done('delete', '--tls-verify=false', at('team/app:1'))
  const gone = await skopeo(registry, 'alice', 'inspect', '--tls-verify=false', at('team/app:2'))
  assert.notEqual(gone.code, 0, 'skopeo removes the manifest, and so all of its tags')
})

test('podman logs in, with a password and with a robot token', { skip: lacks('podman') }, async () => {
  await using registry = await withUsers()
  assert.equal((await login(registry, 'alice', PASSWORD, 'podman')).code, 0)
  const { token, secret } = await registry.administration.createToken({
    ...{ user: 'alice', description: 'ci', ttlSeconds: 60 },
    grants: [grant('team/app', 'pull', 'push')],
  })
  const robot = await login(registry, token.id, secret, 'podman')
  assert.equal(robot.code, 0, robot.output)
  const image = imageLayout(registry.dir)
  const push = (name: string) =>
    skopeo(registry, token.id, 'copy', '--dest-tls-verify=false', image, `docker://${registry.address}/${name}`)
  assert.equal((await push('team/app:1')).code, 0)
  assert.notEqual((await push('team/other:1')).code, 0)
})

const DOCKER = ['/usr/local/bin/docker', '/usr/bin/docker'].find((path) => existsSync(path))

test('the docker command logs in and keeps an identity token instead of the password', {
  skip: DOCKER === undefined && 'needs docker',
}, async () => {
  await using registry = await withUsers()
  const config = join(registry.dir, 'docker')
  mkdirSync(config)
  const env = { DOCKER_CONFIG: config, DOCKER_HOST: `unix://${join(registry.dir, 'no-daemon.sock')}` }
  const args = ['login', '-u', 'alice', '--password-stdin', registry.address]
  const wrong = await run(DOCKER ?? '', args, { input: 'wrong password', env })
  assert.notEqual(wrong.code, 0)
  assert.match(wrong.output, /unauthorized|wrong/i)
  const right = await run(DOCKER ?? '', args, { input: PASSWORD, env })
  assert.equal(right.code, 0, right.output)
  const kept = JSON.parse(readFileSync(join(config, 'config.json'), 'utf8')) as {
    auths: Record<string, { auth?: string; identitytoken?: string }>
  }
  const entry = kept.auths[registry.address]
  assert.match(entry?.identitytoken ?? '', /^alice\+/)
  assert.ok(
    !Buffer.from(entry?.auth ?? '', 'base64')
      .toString()
      .includes(PASSWORD),
  )
})
