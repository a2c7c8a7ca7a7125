import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ImageConfig } from '../ports.ts'
import { checkUser, programOf } from './program.ts'
import type { ProcessSpec } from './spec.ts'

const image: ImageConfig = {
  user: 'app',
  env: ['A=image', 'B=image'],
  entrypoint: ['/entry'],
  cmd: ['default'],
  volumes: [],
  exposedPorts: [],
  workingDir: '/srv',
  stopSignal: '',
}
const plain: ProcessSpec = {
  env: [],
  workingDir: '',
  user: '',
  groups: [],
  tty: false,
  stdin: false,
  stdinOnce: false,
  rlimits: [],
}
const argsOf = (process: Partial<ProcessSpec>): readonly string[] =>
  programOf(image, { ...plain, ...process }, 'host').args

test("takes the image's words where the request has none", () => {
  assert.deepEqual(argsOf({}), ['/entry', 'default'])
  assert.deepEqual(argsOf({ cmd: ['x', 'y'] }), ['/entry', 'x', 'y'])
  assert.deepEqual(argsOf({ cmd: [] }), ['/entry'])
  assert.deepEqual(argsOf({ entrypoint: ['/other'] }), ['/other'])
  assert.deepEqual(argsOf({ entrypoint: [], cmd: ['only'] }), ['only'])
})

test('refuses a container that has nothing to run', () => {
  assert.throws(() => argsOf({ entrypoint: [] }), { reason: 'NO_COMMAND' })
  assert.throws(() => argsOf({ entrypoint: [''] }), { reason: 'NO_COMMAND' })
})

test("puts the request's variables over the image's, and takes away what is only named", () => {
  const { env, workingDir, user } = programOf(image, { ...plain, env: ['B=mine', 'A', 'C='], tty: true }, 'web')
  assert.deepEqual(
    env.filter((entry) => !entry.startsWith('PATH=')),
    ['HOSTNAME=web', 'TERM=xterm', 'B=mine', 'C='],
  )
  assert.ok(env.some((entry) => entry.startsWith('PATH=/usr/local/sbin:')))
  assert.deepEqual([workingDir, user], ['/srv', 'app'])
})

test('takes digits for ids only, and refuses ids that no container has', () => {
  for (const user of ['', '0', '65535', 'root', 'www-data:adm', '1000:1000', 'user$']) checkUser(user, 'private')
  checkUser('2147483647', 'host')
  for (const user of ['65536', '0x0', ' 0', '-1', ':', 'a:b:c', '4294967295', '1 000', 'a b'])
    assert.throws(() => checkUser(user, 'private'), { reason: 'INVALID_USER' }, user)
  assert.throws(() => checkUser('2147483648', 'host'), { reason: 'INVALID_USER' })
})
