import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '@caisson/service-kit'
import { ResolvConfWatch } from './resolv-conf-watch.ts'

const NEVER_MS = 3_600_000

let folder: string
let told: string[]
let watch: ResolvConfWatch | undefined

function begin(path: string, pollMs = NEVER_MS): void {
  watch = new ResolvConfWatch({
    path,
    changed: (content) => told.push(content),
    log: createLogger('network', 'fatal'),
    pollMs,
  })
}

async function expect(content: string): Promise<void> {
  for (let tries = 0; tries < 200 && told.at(-1) !== content; tries++) await sleep(10)
  assert.equal(told.at(-1), content)
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'caisson-resolv-'))
  told = []
})

afterEach(() => {
  watch?.[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

test('tells of a file at once, and again when another one is renamed to it or it is written anew', async () => {
  const path = join(folder, 'resolv.conf')
  writeFileSync(path, 'one')
  begin(path)
  assert.deepEqual(told, ['one'])
  writeFileSync(join(folder, 'new'), 'two')
  renameSync(join(folder, 'new'), path)
  await expect('two')
  writeFileSync(path, 'three')
  await expect('three')
  rmSync(path)
  await expect('')
  writeFileSync(path, 'four')
  await expect('four')
  assert.deepEqual(told, ['one', 'two', 'three', '', 'four'], 'and never of one that was being written')
})

test('follows a link, when its target is replaced and when it leads somewhere else', async () => {
  const path = join(folder, 'etc/resolv.conf')
  for (const name of ['etc', 'run', 'other']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'run/stub.conf'), 'one')
  symlinkSync('../run/stub.conf', path)
  begin(path)
  writeFileSync(join(folder, 'run/new'), 'two')
  renameSync(join(folder, 'run/new'), join(folder, 'run/stub.conf'))
  await expect('two')
  writeFileSync(join(folder, 'other/stub.conf'), 'three')
  symlinkSync('../other/stub.conf', join(folder, 'etc/new'))
  renameSync(join(folder, 'etc/new'), path)
  await expect('three')
  writeFileSync(join(folder, 'other/stub.conf'), 'four')
  await expect('four')
})

test('looks from time to time, for a directory on its way may be another one', async () => {
  const path = join(folder, 'etc/resolv.conf')
  mkdirSync(join(folder, 'etc'))
  writeFileSync(path, 'one')
  begin(path, 50)
  mkdirSync(join(folder, 'new'))
  writeFileSync(join(folder, 'new/resolv.conf'), 'two')
  renameSync(join(folder, 'etc'), join(folder, 'old'))
  renameSync(join(folder, 'new'), join(folder, 'etc'))
  await expect('two')
  writeFileSync(path, 'three')
  await expect('three')
})
