import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isRepositoryName } from '../distribution/names.ts'
import { parseScopes } from './scope.ts'

const read = (...parameters: string[]): Record<string, string[]> =>
  Object.fromEntries([...parseScopes(parameters).repositories].map(([name, actions]) => [name, [...actions]]))

test('reads repeated parameters and scopes divided by spaces, and puts duplicates together', () => {
  assert.deepEqual(read('repository:a/b:pull', 'repository:c:push,pull  repository:a/b:push'), {
    'a/b': ['pull', 'push'],
    c: ['push', 'pull'],
  })
  assert.deepEqual(read('repository:a:*'), { a: ['pull', 'push', 'delete'] })
  assert.deepEqual(read('repository:a:pull,pull,pull'), { a: ['pull'] })
})

test('takes the first and the last colon for the dividing ones', () => {
  // A host with a port is no part of a name here, and must not be taken for the repository "localhost".
  assert.deepEqual(read('repository:localhost:5000/a:pull', 'repository:a:pull:push'), {})
})

test('passes over what this registry cannot give', () => {
  const none = [
    '',
    'repository',
    'repository:a',
    'repository:*:pull',
    'repository(plugin):a:pull',
    'x:a:pull',
    'a:b:c:d',
  ]
  assert.deepEqual(read(...none, 'repository:A:pull', 'repository:a,b:pull', `repository:${'a'.repeat(300)}:pull`), {})
  assert.deepEqual(read('repository:a:write,PULL,admin'), { a: [] })
  assert.deepEqual(read('repository:__proto__:pull', 'repository:constructor:pull'), { constructor: ['pull'] })
})

test('knows the catalog', () => {
  assert.ok(parseScopes(['registry:catalog:*']).catalog)
  assert.ok(!parseScopes(['registry:catalog:pull', 'registry:other:*', 'repository:catalog:*']).catalog)
})

test('REG-13: refuses more than 64 scopes, also when they are all the same', () => {
  const scopes = (count: number) => Array.from({ length: count }, (_, index) => `repository:a${index}:pull`)
  assert.equal(parseScopes(scopes(64)).repositories.size, 64)
  assert.equal(parseScopes([scopes(64).join(' ')]).repositories.size, 64)
  for (const many of [
    scopes(65),
    scopes(10_000),
    [scopes(10_000).join(' ')],
    Array<string>(10_000).fill('repository:a:pull'),
  ])
    assert.throws(() => parseScopes(many), { reason: 'LIMIT' })
})

test('REG-13: whatever is sent, only names of repositories and known actions come of it', () => {
  const word = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom(':', ',', '*', 'a', '/', ' ', 'pull', 'push', 'repository', '(') }),
    fc.tuple(fc.string(), fc.string()).map(([name, actions]) => `repository:${name}:${actions}`),
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), (parameters) => {
      let scopes: ReturnType<typeof parseScopes>
      try {
        scopes = parseScopes(parameters)
      } catch (error) {
        assert.ok(error instanceof Error && 'reason' in error && error.reason === 'LIMIT')
        return
      }
      for (const [name, actions] of scopes.repositories) {
        assert.ok(isRepositoryName(name) && parameters.some((parameter) => parameter.includes(name)))
        for (const action of actions) assert.ok(['pull', 'push', 'delete'].includes(action))
      }
    }),
    { numRuns: 3_000 },
  )
})
