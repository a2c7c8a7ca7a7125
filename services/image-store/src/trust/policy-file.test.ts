import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createLogger } from '@caisson/service-kit'
import { signer } from '../../test/cosign.ts'
import { PolicyFile } from './policy-file.ts'

const KEY = signer()
const UNREADABLE = { code: 'failed-precondition', reason: 'POLICY_UNREADABLE' }

function place(t: TestContext): { dir: string; file: string; write: (document: unknown) => void } {
  const dir = mkdtempSync(join(tmpdir(), 'csn-trust-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'trust.json')
  return { dir, file, write: (document) => writeFileSync(file, JSON.stringify(document)) }
}

const open = (file: string, isRequired = false) =>
  new PolicyFile({ file, isRequired }, createLogger('image-store', 'silent'))

test('without a file everything is accepted, unless the file was asked for', (t) => {
  const { file } = place(t)
  assert.equal(open(file).current().isOpen, true)
  assert.throws(() => open(file, true).current(), {
    ...UNREADABLE,
    message: /trust\.json cannot be used: it is not there/,
  })
})

test('a change counts from the next question on', (t) => {
  const { dir, file, write } = place(t)
  const policy = open(file)
  assert.equal(policy.current().default.type, 'warn')
  write({ default: { type: 'reject' } })
  assert.equal(policy.current().default.type, 'reject')
  writeFileSync(join(dir, 'new'), JSON.stringify({ default: { type: 'insecureAcceptAnything' } }))
  renameSync(join(dir, 'new'), file)
  assert.equal(policy.current().default.type, 'insecureAcceptAnything')
  assert.equal(policy.current(), policy.current())
})

test('a broken file refuses everything until it is mended', (t) => {
  const { file, write } = place(t)
  const policy = open(file)
  write({ default: { type: 'insecureAcceptAnything' } })
  policy.current()
  const broken = ['{', '', '[]', '{"defaults":{}}', '{"default":{"type":"warn"},"default":{"type":"warn"}}', '\xff']
  for (const text of broken) {
    writeFileSync(file, text, 'latin1')
    assert.throws(() => policy.current(), UNREADABLE, text)
    assert.throws(() => policy.current(), UNREADABLE, text)
  }
  write({})
  assert.equal(policy.current().isOpen, true)
})

test('a file that was there and is gone refuses everything', (t) => {
  const { file, write } = place(t)
  const policy = open(file)
  write({ default: { type: 'reject' } })
  policy.current()
  unlinkSync(file)
  assert.throws(() => policy.current(), UNREADABLE)
})

test('key files are read beside the policy, again when they change, and must be readable', (t) => {
  const { dir, file, write } = place(t)
  const key = join(dir, 'release.pem')
  write({ default: { type: 'signedBy', keys: [{ file: 'release.pem' }] } })
  const policy = open(file)
  assert.throws(() => policy.current(), { ...UNREADABLE, message: /default\.keys\.0: .*release\.pem/ })
  writeFileSync(key, KEY.pem)
  const first = policy.current()
  assert.equal(first.default.signers?.keys.length, 1)
  writeFileSync(key, signer().pem)
  assert.notEqual(policy.current().fingerprint, first.fingerprint)
  writeFileSync(key, 'no key')
  assert.throws(() => policy.current(), UNREADABLE)
  writeFileSync(key, Buffer.alloc(1 << 20))
  assert.throws(() => policy.current(), UNREADABLE)
  rmSync(key)
  assert.throws(() => policy.current(), UNREADABLE)
  assert.throws(() => open(dir).current(), UNREADABLE)
})

test('a question while another program writes sees an old or a new policy, or none', (t) => {
  const { dir, file, write } = place(t)
  write({ default: { type: 'reject' } })
  const policy = open(file)
  for (let round = 0; round < 200; round++) {
    const type = round % 2 === 0 ? 'warn' : 'reject'
    writeFileSync(join(dir, 'new'), JSON.stringify({ default: { type } }))
    renameSync(join(dir, 'new'), file)
    assert.equal(policy.current().default.type, type)
  }
})
