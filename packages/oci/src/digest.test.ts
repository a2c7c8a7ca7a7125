import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chainIds, digestAlgorithm, digestHex, digestOf, isDigest, parseDigest } from './digest.ts'
import { OciFormatError } from './format-error.ts'

const hex = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

test('reads sha256 and sha512 digests', () => {
  const short = parseDigest(`sha256:${hex}`)
  assert.equal(digestAlgorithm(short), 'sha256')
  assert.equal(digestHex(short), hex)
  const long = parseDigest(`sha512:${hex}${hex}`)
  assert.equal(digestAlgorithm(long), 'sha512')
  assert.equal(digestHex(long), hex + hex)
})

test('refuses every other spelling', () => {
  const bad = [
    '',
    hex,
    `sha256:${hex.toUpperCase()}`,
    `SHA256:${hex}`,
    `sha256:${hex}0`,
    `sha256:${hex.slice(1)}`,
    `sha512:${hex}`,
    `sha256:${hex}\n`,
    ` sha256:${hex}`,
    `sha256:../../${hex.slice(6)}`,
    `sha256:${hex.slice(1)}é`,
    `sha256:${hex.slice(1)}\uff10`,
    `sha1:${hex.slice(0, 40)}`,
    `md5:${hex.slice(0, 32)}`,
    `blake3:${hex}`,
    `sha256/${hex}`,
    `sha256:${'0'.repeat(10_000_000)}`,
  ]
  for (const text of bad) {
    assert.equal(isDigest(text), false)
    assert.throws(
      () => parseDigest(text),
      (error) => error instanceof OciFormatError && error.reason === 'DIGEST_INVALID' && error.message.length < 400,
    )
  }
})

test('hashes bytes and text', () => {
  assert.equal(digestOf(''), `sha256:${hex}`)
  assert.equal(digestOf(new Uint8Array()), `sha256:${hex}`)
  assert.match(digestOf('x', 'sha512'), /^sha512:[0-9a-f]{128}$/)
})

test('chains diff ids as the image spec says', () => {
  const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')]
  const second = digestOf(`${a} ${b}`)
  assert.deepEqual(chainIds([a, b, c]), [a, second, digestOf(`${second} ${c}`)])
  assert.deepEqual(chainIds([]), [])
})

test('takes a text as a digest only in its one spelling, whatever the text', () => {
  const part = fc.constantFrom(
    'sha256:',
    'sha512:',
    'SHA256:',
    'a'.repeat(64),
    '0'.repeat(128),
    'A',
    'f',
    '/',
    '..',
    '\0',
    'é',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
      const text = parts.join('')
      const [algorithm, hex = '', ...rest] = text.split(':')
      const length = algorithm === 'sha256' ? 64 : algorithm === 'sha512' ? 128 : -1
      const isGood = rest.length === 0 && hex.length === length && /^[0-9a-f]+$/.test(hex)
      assert.equal(isDigest(text), isGood)
      if (isGood) assert.equal(parseDigest(text), text)
      else assert.throws(() => parseDigest(text), { reason: 'DIGEST_INVALID' })
    }),
  )
})
