import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { readExitRecord } from '../monitor/exit-record.ts'
import type { Sandbox } from './container.ts'
import { StateDirs } from './state-dirs.ts'

const sandbox: Sandbox = {
  id: '',
  mode: 'none',
  namespacePath: '/n',
  endpoints: [],
  resolvConf: 'nameserver 1.1.1.1\n',
  hosts: '127.0.0.1 localhost\n',
  createdNs: 1n,
}
const id = (digit: string): string => digit.repeat(64)

describe('state directories', () => {
  let root: string
  let dirs: StateDirs
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'caisson-state-'))
    dirs = new StateDirs(root)
  })
  afterEach(() => rmSync(root, { recursive: true }))

  const files = (path: string): string[] => ['hostname', 'hosts', 'resolv.conf'].map((name) => join(path, name))

  test('have the files of the sandbox, readable for everybody, made ahead or not', () => {
    for (const digit of ['a', 'b']) {
      const path = dirs.prepare(id(digit), 'box', sandbox)
      const [hostname = '', hosts = '', resolv = ''] = files(path)
      assert.deepEqual(
        [hostname, hosts, resolv].map((file) => readFileSync(file, 'utf8')),
        ['box\n', sandbox.hosts, sandbox.resolvConf],
      )
      for (const file of files(path)) assert.equal(statSync(file).mode & 0o777, 0o644)
      assert.equal(statSync(path).mode & 0o777, 0o700)
      dirs.fillShelf()
    }
    assert.deepEqual(dirs.ids(), [id('a'), id('b')])
  })

  test('are used again without anything that the container before could write to', async () => {
    dirs.fillShelf()
    const first = dirs.prepare(id('a'), 'one', sandbox)
    writeFileSync(join(first, 'hosts'), 'something long that was written by the container\n')
    chmodSync(join(first, 'hosts'), 0o600)
    writeFileSync(join(first, 'exit'), 'x'.repeat(96), { flag: 'r+' })
    writeFileSync(join(first, 'log/00000001'), 'its output')
    await dirs.remove(id('a'))
    assert.deepEqual(dirs.ids(), [])
    for (const digit of '0123456789') {
      const path = dirs.prepare(id(digit), 'two', sandbox)
      assert.equal(readFileSync(join(path, 'hosts'), 'utf8'), sandbox.hosts)
      assert.equal(statSync(join(path, 'hosts')).mode & 0o777, 0o644)
      assert.equal(readExitRecord(path), undefined)
      const log = join(path, 'log')
      assert.deepEqual(statSync(log, { throwIfNoEntry: false }) ? readdirSync(log) : [], [])
    }
  })

  test('are removed whatever else is in them', async () => {
    const path = dirs.prepare(id('a'), 'one', sandbox)
    mkdirSync(join(path, 'exec/deep'), { recursive: true })
    writeFileSync(join(path, 'exec/deep/file'), '')
    await dirs.remove(id('a'))
    assert.deepEqual(dirs.ids(), [])
    await dirs.remove(id('b'))
  })

  test('stay while somebody reads them', async () => {
    dirs.prepare(id('a'), 'one', sandbox)
    const first = dirs.hold(id('a'))
    const second = dirs.hold(id('a'))
    const removal = dirs.remove(id('a'))
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(dirs.ids(), [id('a')])
    second[Symbol.dispose]()
    await removal
    assert.deepEqual(dirs.ids(), [])
  })
})
