import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { authFilePath, removeLogin, saveLogin } from './auth-file.ts'
import { authOf } from './auth-of.ts'

const dir = mkdtempSync(join(tmpdir(), 'csn-login-'))
after(() => rmSync(dir, { recursive: true, force: true }))

test('keeps logins in the file that the environment names', () => {
  assert.equal(authFilePath({ CAISSON_AUTH_FILE: '/x/y', HOME: '/home/a' }), '/x/y')
  assert.equal(authFilePath({ XDG_CONFIG_HOME: '/c', HOME: '/home/a' }), '/c/caisson/auth.json')
  assert.equal(authFilePath({ HOME: '/home/a' }), '/home/a/.config/caisson/auth.json')
})

test('keeps a login where only its user can read it, finds it again, and forgets it', async () => {
  const file = join(dir, 'deep/er/auth.json')
  saveLogin(file, 'localhost:5000', { username: 'ann', password: 'a:b' })
  saveLogin(file, 'docker.io', { username: 'hub', password: 'secret' })
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(statSync(dirname(file)).mode & 0o777, 0o700)
  assert.deepEqual(readdirSync(dirname(file)), ['auth.json'])
  const { signal } = new AbortController()
  const find = (reference: string) => authOf(reference, signal, file)
  const none = { identityToken: '', registryToken: '' }
  assert.deepEqual(await find('localhost:5000/a/b:1'), { username: 'ann', password: 'a:b', ...none })
  assert.deepEqual(await find('debian'), { username: 'hub', password: 'secret', ...none })
  assert.equal(await find('other.test/a'), undefined)
  assert.equal(removeLogin(file, 'localhost:5000'), true)
  assert.equal(removeLogin(file, 'localhost:5000'), false)
  assert.equal(await find('localhost:5000/a'), undefined)
  assert.equal(removeLogin(join(dir, 'none'), 'docker.io'), false)
})

test('leaves what others wrote into the file, and refuses one that it does not understand without its secrets', () => {
  const file = join(dir, 'config.json')
  writeFileSync(file, JSON.stringify({ credHelpers: { a: 'b' }, auths: { x: { auth: 'eDp5' } } }))
  saveLogin(file, 'y', { username: 'u', password: 'p' })
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), {
    credHelpers: { a: 'b' },
    auths: { x: { auth: 'eDp5' }, y: { auth: Buffer.from('u:p').toString('base64') } },
  })
  for (const text of ['{"auths": hunter2', '[]', '{"auths":"hunter2"}']) {
    writeFileSync(file, text)
    assert.throws(
      () => saveLogin(file, 'y', { username: 'u', password: 'p' }),
      (error: Error & { reason?: string }) =>
        error.reason === 'AUTH_FILE_INVALID' && !error.message.includes('hunter2'),
    )
    assert.equal(readFileSync(file, 'utf8'), text)
  }
})
