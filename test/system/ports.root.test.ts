import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { busyboxRootfs, CaissonCommand, inNamespaces, needsBusybox } from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox()
const timed = { skip, timeout: 240_000 }
let caisson: CaissonCommand

const succeed = (...args: string[]): string => caisson.done(args).trim()

/** What the server behind the port says, as soon as there is one. */
async function answer(port: string): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const { stdout } = spawnSync('busybox', ['nc', '-w', '2', '127.0.0.1', port], { input: '' })
    if (stdout.length > 0) return stdout.toString().trim()
    await sleep(100)
  }
  return ''
}

const serve = (word: string): string[] => ['busybox', 'nc', '-ll', '-p', '80', '-e', 'echo', word]

before(() => {
  if (skip) return
  spawnSync('ip', ['link', 'set', 'lo', 'up'])
  caisson = new CaissonCommand()
  const up = caisson.run(['up', '-d'])
  assert.equal(up.code, 0, up.err)
  const imported = caisson.run(['import', '--change', 'EXPOSE 80 53/udp', '-', 'exposing'], busyboxRootfs())
  assert.equal(imported.code, 0, imported.err)
})

after(() => {
  if (skip) return
  caisson.removeContainers()
  assert.equal(caisson.run(['down']).code, 0)
  rmSync(caisson.root, { recursive: true, force: true })
})

test('run -p publishes, and port, ps and inspect tell', timed, async () => {
  succeed(
    'run',
    '-d',
    '--name',
    'web',
    '-p',
    '8080:80',
    '-p',
    '127.0.0.1:9000-9004:9000-9004/udp',
    'exposing',
    ...serve('hello'),
  )
  assert.equal(await answer('8080'), 'hello')
  assert.equal(succeed('port', 'web', '80'), '0.0.0.0:8080')
  assert.equal(succeed('port', 'web', '9003/udp'), '127.0.0.1:9003')
  assert.match(succeed('port', 'web'), /^80\/tcp +0\.0\.0\.0:8080$/m)
  assert.match(succeed('ps'), /0\.0\.0\.0:8080->80\/tcp, 127\.0\.0\.1:9000-9004->9000-9004\/udp/)
  const [{ sandbox }] = JSON.parse(succeed('inspect', 'web'))
  assert.equal(sandbox.ports[0].hostPort, 8080)
  assert.match(caisson.run(['port', 'web', '81']).err, /no such published port: 81 of web/)
  const late = caisson.run(['run', '--rm', '-p', '8080:81', 'exposing', 'true'])
  assert.notEqual(late.code, 0)
  assert.match(late.err, /8080\/tcp of every address is published by container [0-9a-f]{64}/)
  succeed('rm', '-f', 'web')
  succeed('run', '--rm', '-p', '8080:81', 'exposing', 'true')
})

test('run -P publishes what the image exposes, again after a stop', timed, async () => {
  succeed('run', '-d', '--name', 'all', '-P', 'exposing', ...serve('all'))
  const port = succeed('port', 'all', '80').replace(/.*:/, '')
  assert.ok(Number(port) >= 1024)
  assert.match(succeed('port', 'all'), /^53\/udp +0\.0\.0\.0:\d+$/m)
  assert.equal(await answer(port), 'all')
  succeed('stop', '-t', '0', 'all')
  assert.equal(succeed('start', 'all'), 'all')
  assert.equal(await answer(succeed('port', 'all', '80').replace(/.*:/, '')), 'all')
})

test('create with a port that cannot be is refused with the field', timed, () => {
  const refused = caisson.run(['run', '--rm', '--network', 'none', '-p', '80:80', 'exposing', 'true'])
  assert.match(refused.err, /spec\.network\.ports/)
})
