import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createLogger } from '@caisson/service-kit'
import { Staging } from './staging.ts'
import { Trash } from './trash.ts'

const LOG = createLogger('test', 'silent')

function setUp(
  t: TestContext,
  remove = (directory: string, name: string) => rmSync(join(directory, name), { recursive: true }),
) {
  const root = mkdtempSync(join(tmpdir(), 'csn-trash-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const removed: string[] = []
  for (const name of ['trash', 'staging']) mkdirSync(join(root, name))
  const remover = {
    remove: async (directory: string, name: string): Promise<void> => {
      removed.push(name)
      remove(directory, name)
    },
  }
  return { root, removed, trash: new Trash(join(root, 'trash'), remover, LOG, { gatherMs: 5 }) }
}

test('takes things away at once and removes what was gathered together', async (t) => {
  const { root, removed, trash } = setUp(t)
  for (const name of ['a', 'b', 'c']) {
    writeFileSync(join(root, name), 'x')
    trash.discard(join(root, name))
    assert.equal(existsSync(join(root, name)), false)
  }
  await trash.settled()
  assert.equal(removed.length, 1)
  assert.deepEqual(readdirSync(join(root, 'trash')), [])
})

test('keeps what could not be removed, and tries again with the next', async (t) => {
  let isBroken = true
  const { root, trash } = setUp(t, (directory, name) => {
    if (isBroken) throw new Error('busy')
    rmSync(join(directory, name), { recursive: true })
  })
  writeFileSync(join(root, 'a'), 'x')
  trash.discard(join(root, 'a'))
  await trash.settled()
  assert.equal(readdirSync(join(root, 'trash')).length, 1)
  isBroken = false
  trash.empty()
  await trash.settled()
  assert.deepEqual(readdirSync(join(root, 'trash')), [])
})

test('leaves the rest for the next start when it is stopped', async (t) => {
  const { root, removed, trash } = setUp(t)
  writeFileSync(join(root, 'a'), 'x')
  trash.discard(join(root, 'a'))
  await trash[Symbol.asyncDispose]()
  assert.deepEqual(removed, [])
  assert.equal(readdirSync(join(root, 'trash')).length, 1)
})

test('sweeps staging folders that nobody works in', async (t) => {
  const { root, trash } = setUp(t)
  const staging = new Staging(join(root, 'staging'), trash, LOG)
  mkdirSync(join(root, 'staging/stale'))
  {
    using mine = staging.open()
    writeFileSync(mine.at('file'), 'x')
    assert.deepEqual(staging.sweep(), ['stale'])
    assert.ok(existsSync(mine.at('file')))
  }
  assert.deepEqual(readdirSync(join(root, 'staging')), [])
  await trash.settled()
})
