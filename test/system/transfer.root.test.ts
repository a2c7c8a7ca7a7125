import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
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
let registry: DockerRegistry
let name: string

before(async () => {
  if (skip) return
  caisson = new CaissonCommand()
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  registry = await startDockerRegistry()
  name = `${registry.address}/team/busybox:1`
  caisson.done(['up', '-d'])
  caisson.done(['import', '-', name], busyboxRootfs())
})

after(async () => {
  if (skip) return
  caisson.removeContainers()
  assert.equal(caisson.run(['down']).code, 0)
  rmSync(caisson.root, { recursive: true, force: true })
  await registry.stop()
})

test('pushes an image, and runs it again after it was removed: what is missing is pulled', { skip }, () => {
  const pushed = caisson.run(['push', name])
  assert.equal(pushed.code, 0, pushed.err)
  assert.match(pushed.out, new RegExp(`^${name} sha256:[0-9a-f]{64}\n$`))
  assert.match(pushed.err, /^[0-9a-f]{12}: uploading/m)
  const digest = pushed.out.trim().split(' ')[1] ?? ''
  caisson.done(['image', 'rm', name])

  const never = caisson.run(['run', '--rm', '--pull', 'never', name, 'true'])
  assert.equal(never.code, 125)
  assert.match(never.err, /no such image/)
  const ran = caisson.run(['run', '--rm', name, 'echo', 'it runs'])
  assert.equal(ran.code, 0, ran.err)
  assert.equal(ran.out, 'it runs\n')
  assert.match(ran.err, /is not here: pulling it\n[0-9a-f]{12}: /)
  const again = caisson.run(['run', '--rm', name, 'true'])
  assert.equal(again.err, '')
  assert.match(caisson.run(['run', '--rm', '--pull', 'always', name, 'true']).err, /^[0-9a-f]{12}: exists/)
  assert.equal(caisson.run(['run', '--rm', '--pull', 'sometimes', name, 'true']).code, 125)

  caisson.done(['image', 'rm', name])
  assert.equal(caisson.run(['create', '-q', name, 'true']).err, '')
  for (const id of caisson.run(['ps', '-a', '-q']).out.split('\n').filter(Boolean)) caisson.done(['rm', id])
  caisson.done(['image', 'rm', name])
  const byDigest = `${registry.address}/team/busybox@${digest}`
  assert.equal(caisson.done(['pull', '-q', byDigest]), `${byDigest}\n`)
  assert.match(caisson.done(['images']), new RegExp(`^${registry.address}/team/busybox +<none>`, 'm'))
  assert.equal(caisson.done(['run', '--rm', byDigest, 'echo', 'by digest']), 'by digest\n')
})

test('tells programs every step and the result, and only the result when it is quiet', { skip }, () => {
  caisson.done(['pull', '-q', name])
  const lines = caisson
    .done(['pull', '--format', 'json', name])
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(lines[0].progress.action, 'exists')
  assert.deepEqual(lines.at(-1).image.names, [name])
  assert.equal(caisson.done(['pull', '-q', '-a', `${registry.address}/team/busybox`]), `${name}\n`)
  const pushed = caisson
    .done(['push', '-q', '--format', 'json', name])
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(pushed.length, 1)
  assert.match(pushed[0].pushed.digest, /^sha256:/)
})

test('says what is wrong with a name, and does not try to pull what cannot be', { skip }, () => {
  const none = caisson.run(['pull', `${registry.address}/none`])
  assert.equal(none.code, 125)
  assert.match(none.err, /none/)
  assert.match(caisson.run(['run', '--rm', `${registry.address}/none`, 'true']).err, /none/)
  assert.match(caisson.run(['push', `${registry.address}/not/here`]).err, /no such image/)
  const away = caisson.run(['--format', 'json', 'pull', '127.0.0.1:1/a'])
  assert.equal(JSON.parse(away.err).error.code, 'unavailable')
})

test('draws a line for each layer on a terminal', { skip }, () => {
  caisson.done(['image', 'rm', name])
  const ran = caisson.onTerminal(['pull', name], [])
  assert.equal(ran.code, 0, ran.err)
  assert.match(ran.out, /[0-9a-f]{12}: (done|exists)/)
})
