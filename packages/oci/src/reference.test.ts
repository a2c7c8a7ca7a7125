import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseDigest } from './digest.ts'
import { OciFormatError } from './format-error.ts'
import { familiarReference, formatReference, parseReference, parseTag, withDefaultTag } from './reference.ts'

const digest = parseDigest(`sha256:${'a'.repeat(64)}`)

test('completes names as Docker does', () => {
  const normal: Record<string, string> = {
    debian: 'docker.io/library/debian',
    'debian:12': 'docker.io/library/debian:12',
    'user/app': 'docker.io/user/app',
    'docker.io/debian': 'docker.io/library/debian',
    'index.docker.io/library/debian': 'docker.io/library/debian',
    'index.docker.io/user/app:x': 'docker.io/user/app:x',
    'localhost/app': 'localhost/app',
    'localhost:5000/app:1.0-rc_2': 'localhost:5000/app:1.0-rc_2',
    'localhost:5000': 'docker.io/library/localhost:5000',
    'LOCALHOST/app': 'LOCALHOST/app',
    'ghcr.io/a/b/c': 'ghcr.io/a/b/c',
    '127.0.0.1:80/x': '127.0.0.1:80/x',
    '[::1]:5000/x/y:z': '[::1]:5000/x/y:z',
    '[2001:db8::1]/x': '[2001:db8::1]/x',
    'a.b/c__d/e--f.g_h': 'a.b/c__d/e--f.g_h',
    [`debian@${digest}`]: `docker.io/library/debian@${digest}`,
    [`debian:12@${digest}`]: `docker.io/library/debian:12@${digest}`,
    [`${'a'.repeat(63)}`]: `docker.io/library/${'a'.repeat(63)}`,
  }
  for (const [text, expected] of Object.entries(normal)) assert.equal(formatReference(parseReference(text)), expected)
})

test('refuses what is no reference', () => {
  const bad = [
    '',
    ' debian',
    'debian ',
    'Debian',
    'docker.io/Debian',
    'user/App',
    'a//b',
    '/a',
    'a/',
    'docker.io/',
    'a:',
    'a:-x',
    'a:.x',
    `a:${'t'.repeat(129)}`,
    'a@sha256:zz',
    `a@${digest}@${digest}`,
    'a@',
    '-a',
    'a-',
    'a..b',
    'a._b',
    'a___b',
    '_a',
    'a.b:99999/c',
    'a.b:0/c',
    'a.b:/c',
    'a.b:1:2/c',
    '.b/c',
    'a..b/c',
    '-a.b/c',
    '[::1/c',
    '[::1]x/c',
    '[fe80::1%eth0]/c',
    '[::g]/c',
    'http://a.b/c',
    '../../etc/passwd',
    'a/../b',
    'a\nb',
    'a\0b',
    'ａ',
    'é',
    'a'.repeat(64),
    `a.b/${'x'.repeat(256)}`,
    'x'.repeat(100_000),
  ]
  for (const text of bad) {
    assert.throws(
      () => parseReference(text),
      (error) => error instanceof OciFormatError && /^(REFERENCE|TAG|DIGEST)_INVALID$/.test(error.reason),
      text.slice(0, 80),
    )
  }
})

test('gives "latest" only to a reference with neither tag nor digest', () => {
  assert.equal(formatReference(withDefaultTag(parseReference('a'))), 'docker.io/library/a:latest')
  assert.equal(formatReference(withDefaultTag(parseReference('a:1'))), 'docker.io/library/a:1')
  assert.equal(formatReference(withDefaultTag(parseReference(`a@${digest}`))), `docker.io/library/a@${digest}`)
})

test('shows the short form only where it reads back the same', () => {
  const short: Record<string, string> = {
    'docker.io/library/debian:12': 'debian:12',
    'docker.io/user/app': 'user/app',
    'docker.io/library/a/b': 'docker.io/library/a/b',
    'docker.io/localhost/x': 'docker.io/localhost/x',
    'ghcr.io/a/b': 'ghcr.io/a/b',
    [`docker.io/library/${'a'.repeat(64)}`]: `docker.io/library/${'a'.repeat(64)}`,
  }
  for (const [full, expected] of Object.entries(short)) {
    const reference = parseReference(full)
    assert.equal(familiarReference(reference), expected)
    assert.deepEqual(parseReference(expected), reference)
  }
})

test('either refuses any text or reads its own normal and short forms back', () => {
  const character = fc.constantFrom(...'aA0.-_/:@[]é '.split(''), 'docker.io/', 'localhost', `@${digest}`)
  fc.assert(
    fc.property(fc.array(character, { maxLength: 12 }), (parts) => {
      let reference: ReturnType<typeof parseReference>
      try {
        reference = parseReference(parts.join(''))
      } catch (error) {
        assert.ok(error instanceof OciFormatError)
        return
      }
      assert.deepEqual(parseReference(formatReference(reference)), reference)
      assert.deepEqual(parseReference(familiarReference(reference)), reference)
    }),
    { numRuns: 5000 },
  )
})

test('takes time linear in the text', () => {
  const begun = process.cpuUsage()
  for (const unit of ['a-', 'a_', 'a.', '-', 'a/', ':', 'a', '[']) {
    try {
      parseReference(`a.b/${unit.repeat(400)}!`)
    } catch (error) {
      assert.ok(error instanceof OciFormatError)
    }
  }
  // Some milliseconds; an expression that tries again and again would take for ever.
  assert.ok(process.cpuUsage(begun).user < 5_000_000)
})

test('reads tags', () => {
  assert.equal(parseTag('v1.2_3-x'), 'v1.2_3-x')
  for (const bad of ['', '.x', '-x', 'a/b', 'a b', 'x'.repeat(129)]) assert.throws(() => parseTag(bad))
})
