import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLogger, type Logger } from '@caisson/service-kit'
import { createAccess } from '../src/access/access.ts'
import { accessConfig } from '../src/access/config.ts'
import type { Documents } from '../src/backend/ports.ts'
import { openDocuments } from './documents.ts'

const nobody = { areAllowed: async () => false }

/** A logger whose lines are kept. */
function recorder(): { log: Logger; lines: string[] } {
  const lines: string[] = []
  const log = createLogger('registry', 'silent')
  const note = (...parts: unknown[]): void => void lines.push(JSON.stringify(parts))
  return { log: Object.assign(Object.create(log) as Logger, { warn: note, info: note, error: note }), lines }
}

function accessTo(documents: Documents, dataDir: string, config: object, log = recorder().log) {
  return createAccess({ documents, anonymousPulls: nobody, config: accessConfig.parse(config), dataDir, log })
}

async function comesIn({ gatekeeper }: ReturnType<typeof accessTo>, name: string, password: string): Promise<boolean> {
  const authorization = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
  const caller = { authorization, address: '127.0.0.1', origin: '' }
  return await gatekeeper.admit(caller).then(
    () => true,
    () => false,
  )
}

test('REG-26: the first start makes up a password and writes it into a file that nobody else reads', async () => {
  await using store = await openDocuments()
  const { log, lines } = recorder()
  await accessTo(store.documents, store.dir, {}, log).prepare()
  const file = join(store.dir, 'first-admin-password')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const password = readFileSync(file, 'utf8').trim()
  assert.ok(password.length >= 32)
  assert.ok(lines.some((line) => line.includes(file)) && lines.every((line) => !line.includes(password)))
  const access = accessTo(store.documents, store.dir, {})
  assert.ok(await comesIn(access, 'admin', password))
  for (const guess of ['', 'admin', 'password', 'Harbor12345', 'caisson'])
    assert.ok(!(await comesIn(access, 'admin', guess)))
  await access.prepare()
  assert.equal(readFileSync(file, 'utf8').trim(), password)
  assert.equal((await access.administration.listUsers('', 10)).users.length, 1)
})

test('REG-26: processes that start together make one administrator', async () => {
  await using store = await openDocuments()
  const dirs = await Promise.all(Array.from({ length: 4 }, () => openDocuments()))
  const pool = dirs.map(({ dir }) => ({ dir, access: accessTo(store.documents, dir, {}) }))
  await Promise.all(pool.map(({ access }) => access.prepare()))
  const files = pool.map(({ dir }) => join(dir, 'first-admin-password')).filter((file) => existsSync(file))
  assert.equal(files.length, 1)
  const password = readFileSync(files[0] ?? '', 'utf8').trim()
  for (const { access } of pool) assert.ok(await comesIn(access, 'admin', password))
  for (const each of dirs) await each[Symbol.asyncDispose]()
})

test('REG-26: a configured password is refused when it is empty, weak, default or missing, at every start', async () => {
  await using store = await openDocuments()
  const file = join(store.dir, 'password')
  const start = () => accessTo(store.documents, store.dir, { adminPasswordFile: file, adminName: 'root' }).prepare()
  await assert.rejects(start(), { reason: 'INVALID_CONFIG' })
  for (const weak of [
    '',
    '\n',
    'admin\n',
    'Harbor12345',
    'password12345',
    'rootrootroot',
    'changeme\n',
    ' '.repeat(20),
  ]) {
    writeFileSync(file, weak)
    await assert.rejects(start(), { reason: 'WEAK_PASSWORD' }, JSON.stringify(weak))
  }
  assert.equal((await store.documents.list('users', { limit: 10 })).length, 0)
  writeFileSync(file, 'correct horse battery\n')
  await start()
  assert.ok(!existsSync(join(store.dir, 'first-admin-password')))
  assert.ok(await comesIn(accessTo(store.documents, store.dir, {}), 'root', 'correct horse battery'))
  writeFileSync(file, 'admin')
  await assert.rejects(start(), { reason: 'WEAK_PASSWORD' })
})

test('REG-26: a configuration cannot make tokens hold longer, nor give a password itself', () => {
  for (const wrong of [
    { tokenLifeSeconds: 301 },
    { tokenLifeSeconds: 0 },
    { adminPassword: 'x' },
    { adminPasswordFile: '' },
  ])
    assert.ok(!accessConfig.safeParse(wrong).success, JSON.stringify(wrong))
})
