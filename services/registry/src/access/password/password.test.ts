import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hash as bcryptHash } from '@node-rs/bcrypt'
import { PasswordHasher } from './hasher.ts'
import { parseHtpasswd } from './htpasswd.ts'
import { checkNewPassword } from './strength.ts'

test('REG-26: refuses passwords that are empty, short, long, plain or known', () => {
  const weak = [
    '',
    'short',
    'password',
    'Harbor12345',
    'adminadmin123',
    'admin-password-1',
    'aaaaaaaaaaaaaaaa',
    'abababababab',
  ]
  for (const password of [
    ...weak,
    'password1234',
    'alice-alice-al',
    'x'.repeat(1_025),
    'with\nanother line',
    'changeme12345',
  ])
    assert.throws(() => checkNewPassword('alice', password), { reason: 'WEAK_PASSWORD' }, password)
  for (const password of ['correct horse battery', 'vX9-mdK2-pQ77', 'Zażółć gęślą jaźń'])
    assert.doesNotThrow(() => checkNewPassword('alice', password), password)
})

test('a refusal does not repeat the password', () => {
  assert.throws(
    () => checkNewPassword('alice', 'hunter2'),
    (error) => error instanceof Error && !error.message.includes('hunter2'),
  )
})

test('hashes by argon2id and knows its hashes and those of bcrypt', async () => {
  const hasher = new PasswordHasher()
  const own = await hasher.hash('one password of many')
  assert.match(own.encoded, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  assert.ok(await hasher.verify('one password of many', own))
  assert.ok(!(await hasher.verify('another password', own)))
  const bcrypt = { kind: 'bcrypt', encoded: await bcryptHash('from htpasswd', { cost: 4 }) } as const
  assert.ok(await hasher.verify('from htpasswd', bcrypt))
  assert.ok(!(await hasher.verify('from elsewhere', bcrypt)))
  assert.ok(!(await hasher.verify('anything', undefined)))
})

test('REG-14: a long password is refused before it is hashed, and waiting ones are bounded', async () => {
  const hasher = new PasswordHasher()
  const hash = await hasher.hash('one password of many')
  assert.ok(!(await hasher.verify('x'.repeat(1 << 20), hash)))
  const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => hasher.verify('wrong one', hash)))
  const refused = outcomes.filter(({ status }) => status === 'rejected')
  assert.ok(refused.length >= 30 && refused.length <= 36, `${refused.length} were refused`)
})

test('REG-14: an unknown user takes as long as a known one', async () => {
  const hasher = new PasswordHasher()
  await hasher.prepare()
  const hash = await hasher.hash('one password of many')
  const times = async (known: typeof hash | undefined): Promise<number> => {
    const taken: number[] = []
    for (let round = 0; round < 15; round++) {
      const before = performance.now()
      await hasher.verify('wrong one', known)
      taken.push(performance.now() - before)
    }
    return taken.sort((one, other) => one - other)[2] ?? 0
  }
  const [known, unknown] = [await times(hash), await times(undefined)]
  assert.ok(unknown > known / 2 && unknown < known * 2, `${known} ms when known, ${unknown} ms when not`)
})

test('reads bcrypt lines of htpasswd and refuses the others by their numbers', () => {
  const bcrypt = `$2y$10$${'a'.repeat(53)}`
  const text = [
    '# users',
    '',
    `alice:${bcrypt}`,
    'bob:$apr1$abc$def',
    'carol:{SHA}abc',
    'dave:plain',
    `alice:${bcrypt}`,
    `eve:$2y$31$${'a'.repeat(53)}`,
    `no name:${bcrypt}`,
    `frank:$2b$05$${'b'.repeat(53)}\r`,
    bcrypt,
    `x+y:${bcrypt}`,
  ].join('\n')
  const { entries, refused } = parseHtpasswd(text)
  assert.deepEqual(
    entries.map(({ user }) => user),
    ['alice', 'frank'],
  )
  assert.deepEqual(
    refused.map((line) => line.split(':')[0]),
    [4, 5, 6, 7, 8, 9, 11, 12].map((line) => `line ${line}`),
  )
  assert.ok(refused.every((line) => !line.includes('$')))
})
