import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { parseReference } from '@caisson/oci'
import { signer } from '../../test/cosign.ts'
import { compilePolicy, ruleFor } from './policy.ts'

const noFile = (file: string): string => assert.fail(`${file} was read`)
const compile = (document: unknown) => compilePolicy(document, noFile)
const KEY = signer()

const refuses = (document: unknown, message: RegExp, readKey = noFile): void =>
  assert.throws(() => compilePolicy(document, readKey), { reason: 'POLICY_INVALID', message })

test('an empty policy accepts everything and says so of unsigned images', () => {
  const policy = compile({})
  assert.equal(policy.isOpen, true)
  assert.equal(policy.default.type, 'warn')
})

test('takes the rule of the narrowest scope', () => {
  const rules = [
    { scope: 'registry.example.com', type: 'reject' },
    { scope: 'registry.example.com/team', type: 'warn' },
    { scope: 'registry.example.com/team/app', type: 'insecureAcceptAnything' },
    { scope: 'registry.example.com/team/app:1', type: 'reject' },
    { scope: 'localhost:5000', type: 'reject' },
  ]
  const policy = compile({ default: { type: 'insecureAcceptAnything' }, rules })
  const scopeOf = (name: string): string => ruleFor(policy, parseReference(name)).scope
  assert.equal(scopeOf('registry.example.com/other'), 'registry.example.com')
  assert.equal(scopeOf('registry.example.com/team/other:1'), 'registry.example.com/team')
  assert.equal(scopeOf('registry.example.com/team/app:2'), 'registry.example.com/team/app')
  assert.equal(scopeOf('registry.example.com/team/app:1'), 'registry.example.com/team/app:1')
  assert.equal(scopeOf(`registry.example.com/team/app:1@sha256:${'0'.repeat(64)}`), 'registry.example.com/team/app:1')
  assert.equal(scopeOf('registry.example.com/teamwork/app'), 'registry.example.com')
  assert.equal(scopeOf('registry.example.com:5000/team/app'), 'default')
  assert.equal(scopeOf('localhost:5000/a/b/c'), 'localhost:5000')
  assert.equal(scopeOf('debian'), 'default')
  assert.equal(ruleFor(policy, undefined).scope, 'default')
})

test('names the key that is not known, and every other mistake', () => {
  refuses({ defaults: { type: 'reject' } }, /defaults/)
  refuses({ default: { type: 'signedBy', keys: [{ pem: KEY.pem }], treshold: 2 } }, /default: .*treshold/)
  refuses({ default: { type: 'sometimes' } }, /default.type/)
  refuses({ default: { type: 'signedBy' } }, /default.keys/)
  refuses({ default: { type: 'signedBy', keys: [] } }, /default.keys/)
  refuses({ default: { type: 'signedBy', keys: [{}] } }, /default.keys.0/)
  refuses({ default: { type: 'signedBy', keys: [{ pem: KEY.pem }], threshold: 2 } }, /default.threshold: 2 keys/)
  refuses({ default: { type: 'signedBy', keys: [{ pem: KEY.pem }, { pem: KEY.pem }], threshold: 2 } }, /twice/)
  refuses({ rules: [{ scope: 'debian', type: 'reject' }] }, /rules.0.scope: .*write docker.io\/library\/debian/)
  refuses({ rules: [{ scope: 'a b', type: 'reject' }] }, /rules.0.scope/)
  refuses({ rules: [{ scope: '', type: 'reject' }] }, /rules.0.scope/)
  refuses({ rules: Array(2).fill({ scope: 'a.example', type: 'reject' }) }, /a.example has more than one rule/)
})

test('takes scopes in every form that names have', () => {
  const scopes = ['docker.io', 'docker.io/library', 'docker.io/library/debian:12', 'localhost:5000/a', '[::1]:5000']
  for (const scope of scopes) assert.equal(compile({ rules: [{ scope, type: 'reject' }] }).rules.size, 1, scope)
})

test('refuses keys that are weak, of another kind, private or no keys', () => {
  const withPem = (pem: string) => ({ default: { type: 'signedBy', keys: [{ pem }] } })
  for (const kind of ['p256', 'p384', 'ed25519', 'rsa2048'] as const) compile(withPem(signer(kind).pem))
  refuses(withPem(signer('rsa1024').pem), /default.keys.0: .*RSA of 1024 bits/)
  refuses(withPem(signer('p521').pem), /default.keys.0: .*secp521r1/)
  const { privateKey } = generateKeyPairSync('ed25519')
  refuses(withPem(String(privateKey.export({ type: 'pkcs8', format: 'pem' }))), /no public key/)
  refuses(withPem(KEY.pem.replace(/[A-Za-z]/, '!')), /no public key/)
  refuses(withPem(KEY.pem.replace(/\n.{20}/, '\n')), /cannot be read/)
  refuses(withPem(KEY.pem + KEY.pem), /no public key/)
})

test('one key in two encodings does not count twice', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const point = spki.subarray(-65)
  const sign = (point.at(-1) ?? 0) % 2 === 0 ? 2 : 3
  // SubjectPublicKeyInfo of a compressed point (RFC 5480, section 2.2).
  const head = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex')
  const compressed = Buffer.concat([head, Buffer.of(sign), point.subarray(1, 33)]).toString('base64')
  const pems = [spki.toString('base64'), compressed].map(
    (text) => `-----BEGIN PUBLIC KEY-----\n${text}\n-----END PUBLIC KEY-----\n`,
  )
  refuses({ default: { type: 'signedBy', keys: pems.map((pem) => ({ pem })), threshold: 2 } }, /a key is there twice/)
})

test('a key file that cannot be read makes the whole policy unusable', () => {
  refuses({ default: { type: 'signedBy', keys: [{ file: 'gone.pem' }] } }, /default.keys.0/, () => {
    throw new Error('gone')
  })
})

test('the fingerprint changes with rules and with what key files hold', () => {
  const document = { default: { type: 'signedBy', keys: [{ file: 'k' }] } }
  const first = compilePolicy(document, () => KEY.pem).fingerprint
  assert.equal(compilePolicy(document, () => KEY.pem).fingerprint, first)
  assert.notEqual(compilePolicy(document, () => signer().pem).fingerprint, first)
  assert.notEqual(
    compilePolicy({ ...document, rules: [{ scope: 'a.b', type: 'warn' }] }, () => KEY.pem).fingerprint,
    first,
  )
})
