import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pageTargetOf, withQuery } from './paths.ts'

test('reads where a page is, whatever a repository is called', () => {
  assert.deepEqual(pageTargetOf('/ui/'), { kind: 'home' })
  assert.deepEqual(pageTargetOf('/ui/r/login'), { kind: 'repository', repository: 'login' })
  assert.deepEqual(pageTargetOf('/ui/r/a/r/tags/-/latest'), {
    kind: 'manifest',
    repository: 'a/r/tags',
    reference: { tag: 'latest' },
  })
  const digest = `sha256:${'0'.repeat(64)}`
  for (const spelled of [digest, digest.replace(':', '%3A')])
    assert.deepEqual(pageTargetOf(`/ui/r/app/-/${spelled}`), {
      kind: 'manifest',
      repository: 'app',
      reference: { digest },
    })
})

test('knows no page for what can be no name', () => {
  for (const path of [
    '/ui',
    '/ui/x',
    '/ui/r/',
    '/ui/r/UPPER',
    '/ui/r/a/../b',
    '/ui/r/%2e%2e/b',
    '/ui/r/a//b',
    '/ui/r/a/-/',
    '/ui/r/a/-/<script>',
    '/ui/r/a/-/sha256:beef',
    '/ui/r/a/-/one/-/two',
    `/ui/r/${'a'.repeat(3_000)}`,
  ])
    assert.equal(pageTargetOf(path), undefined, path)
})

test('escapes parameters, and leaves out those that are empty', () => {
  assert.equal(withQuery('/ui/', { prefix: 'a&b="', after: undefined }), '/ui/?prefix=a%26b%3D%22')
  assert.equal(withQuery('/ui/', { prefix: '' }), '/ui/')
})
