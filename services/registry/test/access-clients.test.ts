import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { grant, PASSWORD, type RegistryWithUsers, startWithUsers } from './registry-users.ts'

const lacks = (program: string): false | string => !existsSync(`/usr/bin/${program}`) && `needs ${program}`

/** Ends with its output, whatever its exit code. */
function run(
  program: string,
  args: readonly string[],
  { input = '', env = {} } = {},
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { timeout: 60_000, env: { ...process.env, ...env } }, (error, out, err) =>
      resolve({ code: error === null ? 0 : 1, output: out + err }),
    )
    child.stdin?.end(input)
  })
}

/** An image of one empty layer, as an OCI layout. */
function imageLayout(dir: string): string {
  const blobs = join(dir, 'layout/blobs/sha256')
  mkdirSync(blobs, { recursive: true })
  const add = (bytes: Buffer, mediaType: string) => {
    const hex = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(blobs, hex), bytes)
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
  }
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
  const tar = Buffer.alloc(10_240)
  const diffId = `sha256:${createHash('sha256').update(tar).digest('hex')}`
  const type = (name: string): string => `application/vnd.oci.image.${name}`
  const config = { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [diffId] } }
  const manifest = {
    schemaVersion: 2,
    mediaType: type('manifest.v1+json'),
    config: add(json(config), type('config.v1+json')),
    layers: [add(gzipSync(tar), type('layer.v1.tar+gzip'))],
  }
  const entry = {
    ...add(json(manifest), type('manifest.v1+json')),
    annotations: { 'org.opencontainers.image.ref.name': '1' },
  }
  writeFileSync(join(dir, 'layout/index.json'), json({ schemaVersion: 2, manifests: [entry] }))
  writeFileSync(join(dir, 'layout/oci-layout'), json({ imageLayoutVersion: '1.0.0' }))
  return `oci:${join(dir, 'layout')}:1`
}

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
