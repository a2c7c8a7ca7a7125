import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

const MAIN = join(import.meta.dirname, '../src/main.ts')
let root: string

before(() => {
  root = mkdtempSync(join(tmpdir(), 'csn-cli-'))
})
after(() => rmSync(root, { recursive: true }))

function caisson(...args: string[]) {
  const env = { PATH: process.env['PATH'], HOME: root }
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env })
  return { status, stdout, stderr }
}

test('shows help and versions without an engine', () => {
  assert.match(caisson('--help').stdout, /^CONTAINERS$/m)
  assert.match(caisson().stdout, /^CONTAINERS$/m)
  const run = caisson('run', '--help')
  assert.deepEqual([run.status, run.stderr], [0, ''])
  assert.match(run.stdout, /^SYNOPSIS\n {4}caisson run \[options\] <image> \[command\.\.\.\]$/m)
  assert.deepEqual(caisson('help', 'image', 'rm'), caisson('image', 'rm', '--help'))
  assert.deepEqual(caisson('help'), caisson('--help'))
  assert.match(caisson('image').stdout, /^ {4}image rm /m)
  assert.match(caisson('--version').stdout, /^\d+\.\d+\.\d+\n$/)
  const version = caisson('--root', root, 'version', '--format', 'json')
  assert.equal(JSON.parse(version.stdout).engine, null)
})

test('says how to start an engine that does not run', () => {
  const { status, stderr, stdout } = caisson('--root', root, 'ps')
  assert.equal(status, 125)
  assert.equal(stdout, '')
  assert.equal(stderr, `caisson: the engine is not running: start it with 'caisson --root ${root} up -d'\n`)
})

test('gives errors as JSON when asked for JSON', () => {
  const { status, stderr } = caisson('--root', root, 'ps', '--format', 'json')
  assert.equal(status, 125)
  const { error } = JSON.parse(stderr)
  assert.deepEqual([error.code, error.reason, error.exitCode], ['unavailable', 'ENGINE_NOT_RUNNING', 125])
})

test('takes global options before and behind the command', () => {
  for (const args of [
    ['--format', 'json', '--root', root, 'ps'],
    ['ps', '--root', root, '--format=json'],
  ])
    assert.equal(JSON.parse(caisson(...args).stderr).error.reason, 'ENGINE_NOT_RUNNING', args.join(' '))
})

test('refuses command lines that it cannot read, and names what is wrong', () => {
  const cases: [string[], RegExp][] = [
    [['frobnicate'], /^caisson: unknown command 'frobnicate'/],
    [['ps', '--frobnicate'], /^caisson: unknown option '--frobnicate'/],
    [['run'], /^caisson: missing required argument 'image'/],
    [['exec', 'x'], /^caisson: missing required argument 'command'/],
    [['run', '-m', 'lots', 'x'], /^caisson: --memory: 'lots' is not a size/],
    [['run', '--network', 'none', '--network', 'a', 'x'], /^caisson: --network: /],
    [['ps', '--format', '{{.ID}}'], /^caisson: --format: Go templates are not supported/],
    [['rename', 'one'], /^caisson: missing required argument 'name'/],
    [['version', 'extra'], /^caisson: too many arguments/],
    [['load', '-i', '/does/not/exist'], /^caisson: cannot read \/does\/not\/exist/],
  ]
  for (const [args, message] of cases) {
    const { status, stderr, stdout } = caisson('--root', root, ...args)
    assert.equal(status, 125, args.join(' '))
    assert.match(stderr, message)
    assert.equal(stdout, '')
    assert.doesNotMatch(stderr, /\n\s+at /, 'a stack trace is not for users')
  }
})

test('keeps working when nobody reads on', () => {
  const script = `"${process.execPath}" "${MAIN}" --help | true; echo "\${PIPESTATUS[0]}"`
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8', env: { HOME: root } })
  assert.match(stdout, /^(0|141)\n$/)
  assert.equal(stderr, '')
})
