import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  busyboxRootfs,
  type DockerRegistry,
  inNamespaces,
  needsBusybox,
  needsDockerRegistry,
  startDockerRegistry,
} from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox() || needsDockerRegistry()
const caisson = join(import.meta.dirname, '../../caisson')
let root: string
let registry: DockerRegistry
let name: string

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function run(args: readonly string[], input?: Uint8Array): Ran {
  const ran = spawnSync(caisson, ['--root', root, ...args], { input: input ?? '', timeout: 60_000, cwd: '/' })
  return { code: ran.status, out: ran.stdout.toString(), err: ran.stderr.toString() }
}

/** Runs a command that has to go well, and returns what it printed. */
function done(args: readonly string[], input?: Uint8Array): string {
  const ran = run(args, input)
  assert.equal(ran.code, 0, ran.err)
  return ran.out
}

before(async () => {
  if (skip) return
  root = mkdtempSync(join(tmpdir(), 'csn-cli-'))
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  registry = await startDockerRegistry()
  name = `${registry.address}/team/busybox:1`
  done(['up', '-d'])
  done(['import', '-', name], busyboxRootfs())
})

after(async () => {
  if (skip) return
  for (const id of run(['ps', '-a', '-q']).out.split('\n').filter(Boolean)) run(['rm', '-f', id])
  assert.equal(run(['down']).code, 0)
  rmSync(root, { recursive: true, force: true })
  await registry.stop()
})

test('pushes an image, and runs it again after it was removed: what is missing is pulled', { skip }, () => {
  const pushed = run(['push', name])
  assert.equal(pushed.code, 0, pushed.err)
  assert.match(pushed.out, new RegExp(`^${name} sha256:[0-9a-f]{64}\n$`))
  assert.match(pushed.err, /^[0-9a-f]{12}: uploading/m)
  const digest = pushed.out.trim().split(' ')[1] ?? ''
  done(['image', 'rm', name])

  const never = run(['run', '--rm', '--pull', 'never', name, 'true'])
  assert.equal(never.code, 125)
  assert.match(never.err, /no such image/)
  const ran = run(['run', '--rm', name, 'echo', 'it runs'])
  assert.equal(ran.code, 0, ran.err)
  assert.equal(ran.out, 'it runs\n')
  assert.match(ran.err, /is not here: pulling it\n[0-9a-f]{12}: /)
  const again = run(['run', '--rm', name, 'true'])
  assert.equal(again.err, '')
  assert.match(run(['run', '--rm', '--pull', 'always', name, 'true']).err, /^[0-9a-f]{12}: exists/)
  assert.equal(run(['run', '--rm', '--pull', 'sometimes', name, 'true']).code, 125)

  done(['image', 'rm', name])
  assert.equal(run(['create', '-q', name, 'true']).err, '')
  for (const id of run(['ps', '-a', '-q']).out.split('\n').filter(Boolean)) done(['rm', id])
  done(['image', 'rm', name])
  const byDigest = `${registry.address}/team/busybox@${digest}`
  assert.equal(done(['pull', '-q', byDigest]), `${byDigest}\n`)
  assert.match(done(['images']), new RegExp(`^${registry.address}/team/busybox +<none>`, 'm'))
  assert.equal(done(['run', '--rm', byDigest, 'echo', 'by digest']), 'by digest\n')
})

test('tells programs every step and the result, and only the result when it is quiet', { skip }, () => {
  done(['pull', '-q', name])
  const lines = done(['pull', '--format', 'json', name])
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(lines[0].progress.action, 'exists')
  assert.deepEqual(lines.at(-1).image.names, [name])
  assert.equal(done(['pull', '-q', '-a', `${registry.address}/team/busybox`]), `${name}\n`)
  const pushed = done(['push', '-q', '--format', 'json', name])
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(pushed.length, 1)
  assert.match(pushed[0].pushed.digest, /^sha256:/)
})

test('says what is wrong with a name, and does not try to pull what cannot be', { skip }, () => {
  const none = run(['pull', `${registry.address}/none`])
  assert.equal(none.code, 125)
  assert.match(none.err, /none/)
  assert.match(run(['run', '--rm', `${registry.address}/none`, 'true']).err, /none/)
  assert.match(run(['push', `${registry.address}/not/here`]).err, /no such image/)
  const away = run(['--format', 'json', 'pull', '127.0.0.1:1/a'])
  assert.equal(JSON.parse(away.err).error.code, 'unavailable')
})

test('draws a line for each layer on a terminal', { skip }, () => {
  done(['image', 'rm', name])
  const harness = join(import.meta.dirname, 'terminal.py')
  const ran = spawnSync('python3', [harness, caisson, '--root', root, 'pull', name], { input: '[]', timeout: 60_000 })
  assert.equal(ran.status, 0, ran.stderr.toString())
  assert.match(ran.stdout.toString(), /[0-9a-f]{12}: (done|exists)/)
})
