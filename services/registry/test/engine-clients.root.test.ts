// Engines that people have, against a registry with users: docker, podman and buildah.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { busyboxRootfs, DockerEngine, inNamespaces, needsBusybox, needsDocker } from '@caisson/testkit'
import { parseRepositoryName, parseTagName } from '../src/distribution/names.ts'
import { lacks, type ProgramRun, run } from './programs.ts'
import { grant, PASSWORD, type RegistryWithUsers, startWithUsers } from './registry-users.ts'

const skip = inNamespaces() || needsBusybox()
let dir: string
let registry: RegistryWithUsers

before(async () => {
  if (skip) return
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  dir = mkdtempSync(join(tmpdir(), 'csn-engines-'))
  writeFileSync(join(dir, 'rootfs.tar'), busyboxRootfs())
  registry = await startWithUsers()
  await registry.administration.createUser('alice', PASSWORD, [grant('team/*', 'pull', 'push')])
  await registry.administration.createUser('bob', PASSWORD, [grant('team/*', 'pull')])
})

after(async () => {
  await registry?.[Symbol.asyncDispose]()
  if (dir) rmSync(dir, { recursive: true, force: true })
})

interface Engine {
  /** Runs the program as a user who keeps logins in a place of its own. */
  as(user: string, args: readonly string[], input?: string): Promise<{ code: number; output: string }>
  /** The same, of what has to go well. */
  done(user: string, ...args: string[]): Promise<string>
}

function engineOf(program: string, common: readonly string[], optionsOf: (user: string) => ProgramRun): Engine {
  const as: Engine['as'] = (user, args, input = '') =>
    run(program, [...common, ...args], { ...optionsOf(user), input, cwd: dir })
  const done: Engine['done'] = async (user, ...args) => {
    const { code, output } = await as(user, args)
    assert.equal(code, 0, `${program} ${args.join(' ')}: ${output}`)
    return output
  }
  return { as, done }
}

const login = (engine: Engine, user: string, more: readonly string[] = [], password = PASSWORD) =>
  engine.as(user, ['login', ...more, '-u', user, '--password-stdin', registry.address], password)

test('docker logs in, pushes, and pulls what it pushed, by tag and by digest', {
  skip: skip || needsDocker(),
}, async (t) => {
  const daemon = await DockerEngine.start()
  if (typeof daemon === 'string') return t.skip(daemon)
  await using _ = daemon
  const docker = engineOf('docker', [], (user) => ({
    env: { DOCKER_HOST: daemon.host, DOCKER_CONFIG: join(dir, `docker-${user}`) },
  }))
  const name = `${registry.address}/team/docker`
  await docker.done('alice', 'import', 'rootfs.tar', `${name}:1`)
  const stranger = await docker.as('nobody', ['push', `${name}:1`])
  assert.notEqual(stranger.code, 0)
  assert.match(stranger.output, /no basic auth credentials|unauthorized|denied/)
  assert.notEqual((await login(docker, 'alice', [], 'wrong')).code, 0)
  for (const user of ['alice', 'bob']) assert.equal((await login(docker, user)).code, 0)

  const pushed = await docker.done('alice', 'push', `${name}:1`)
  const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed)?.[1] ?? ''
  const id = (await docker.done('alice', 'image', 'inspect', '--format', '{{.Id}}', `${name}:1`)).trim()
  await docker.done('alice', 'tag', `${name}:1`, `${registry.address}/team/again:1`)
  const again = await docker.done('alice', 'push', `${registry.address}/team/again:1`)
  assert.match(again, /Mounted from team\/docker|Layer already exists/)
  assert.notEqual((await docker.as('bob', ['push', `${name}:1`])).code, 0, 'bob may only pull')

  await docker.done('alice', 'rmi', '-f', id)
  await docker.done('bob', 'pull', `${name}:1`)
  assert.equal((await docker.done('bob', 'image', 'inspect', '--format', '{{.Id}}', `${name}:1`)).trim(), id)
  await docker.done('bob', 'rmi', '-f', id)
  await docker.done('bob', 'pull', `${name}@${digest}`)
  const container = (await docker.done('bob', 'create', `${name}@${digest}`, '/bin/busybox')).trim()
  await docker.done('bob', 'export', '-o', 'docker.tar', container)
  assert.match(execFileSync('tar', ['-tf', join(dir, 'docker.tar')]).toString(), /^bin\/busybox$/m)
  const inspected = JSON.parse(await docker.done('bob', 'manifest', 'inspect', '--insecure', `${name}:1`)) as object
  assert.ok('layers' in inspected)
  await docker.done('bob', 'logout', registry.address)
  assert.notEqual((await docker.as('bob', ['pull', `${name}:1`])).code, 0)
})

/** Storage of podman and buildah in the test's folder. */
const places = (name: string): string[] => [
  ...['--root', join(dir, name, 'root'), '--runroot', join(dir, name, 'run'), '--storage-driver', 'vfs'],
]
const authFile = (name: string) => (user: string) => ({
  env: { REGISTRY_AUTH_FILE: join(dir, `${name}-${user}.json`) },
})
const plain = '--tls-verify=false'

test('podman pushes, and pulls what it pushed', { skip: skip || lacks('podman') }, async () => {
  const podman = engineOf(
    'podman',
    [...places('podman'), '--cgroup-manager', 'cgroupfs', '--events-backend', 'none'],
    authFile('podman'),
  )
  const name = `${registry.address}/team/podman:1`
  await podman.done('alice', 'import', 'rootfs.tar', name)
  writeFileSync(join(dir, 'podman-nobody.json'), '{}')
  const stranger = await podman.as('nobody', ['push', plain, name])
  assert.notEqual(stranger.code, 0)
  assert.match(stranger.output, /unauthorized|authentication required|denied/)
  for (const user of ['alice', 'bob']) assert.equal((await login(podman, user, [plain])).code, 0)
  await podman.done('alice', 'push', plain, '--digestfile', 'podman.digest', name)
  assert.notEqual((await podman.as('bob', ['push', plain, name])).code, 0, 'bob may only pull')
  const id = (await podman.done('alice', 'image', 'inspect', '--format', '{{.Id}}', name)).trim()
  await podman.done('alice', 'rmi', '-f', id)
  await podman.done('bob', 'pull', plain, name)
  assert.equal((await podman.done('bob', 'image', 'inspect', '--format', '{{.Id}}', name)).trim(), id)
  const tags = await podman.done('bob', 'search', plain, '--list-tags', `${registry.address}/team/podman`)
  assert.match(tags, /team\/podman +1/)
  await podman.done('alice', 'push', plain, '--format', 'v2s2', name, `docker://${registry.address}/team/podman:docker`)
  await podman.done('bob', 'pull', plain, `${registry.address}/team/podman:docker`)
})

test('buildah pushes what it built, and builds on what it pulls', { skip: skip || lacks('buildah') }, async () => {
  const buildah = engineOf('buildah', places('buildah'), authFile('buildah'))
  const name = `${registry.address}/team/buildah:1`
  for (const user of ['alice', 'bob']) assert.equal((await login(buildah, user, [plain])).code, 0)
  await buildah.done('alice', 'from', '--name', 'made', 'scratch')
  await buildah.done('alice', 'add', 'made', 'rootfs.tar', '/')
  await buildah.done('alice', 'config', '--cmd', '/bin/busybox', '--label', 'kind=test', 'made')
  await buildah.done('alice', 'commit', '--rm', 'made', name)
  await buildah.done('alice', 'push', plain, name)
  assert.notEqual((await buildah.as('bob', ['push', plain, name])).code, 0, 'bob may only pull')
  await buildah.done('alice', 'rmi', '-f', name)
  await buildah.done('bob', 'from', plain, '--name', 'pulled', name)
  const labels = await buildah.done('bob', 'inspect', '--format', '{{.OCIv1.Config.Labels}}', 'pulled')
  assert.match(labels, /kind:test/)
  mkdirSync(join(dir, 'more'))
  writeFileSync(join(dir, 'more/file'), 'built on it')
  await buildah.done('alice', 'copy', 'pulled', 'more', '/more')
  await buildah.done('alice', 'commit', plain, '--rm', 'pulled', `docker://${registry.address}/team/built:1`)
  const built = parseRepositoryName('team/built')
  const { bytes } = (await registry.backend.records.manifest(built, { tag: parseTagName('1') })) ?? {
    bytes: Buffer.of(),
  }
  const { layers } = JSON.parse(Buffer.from(bytes).toString()) as { layers: object[] }
  assert.equal(layers.length, 2)
})
