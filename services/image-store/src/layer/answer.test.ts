import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asDigestResult, asUnpackResult, parseAnswer } from './answer.ts'

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`
const RESULT = {
  digest: DIGEST,
  diffId: DIGEST,
  compressedBytes: 1,
  bytes: 2,
  contentBytes: 3,
  entries: 4,
  compression: 'gzip',
  rootOpaque: false,
  rootEntry: true,
}

test('an answer is progress, a failure or a result', () => {
  const progress = parseAnswer('{"progress":{"bytes":1,"entries":2}}')
  assert.deepEqual(progress, { kind: 'progress', progress: { bytes: 1, entries: 2 } })
  const failure = parseAnswer('{"error":{"step":"tar","errno":0,"reason":"INVALID","path":"a","message":"m"}}')
  assert.deepEqual(failure, {
    kind: 'failure',
    failure: { step: 'tar', errno: 0, reason: 'INVALID', path: 'a', message: 'm' },
  })
  assert.deepEqual(parseAnswer('{"synced":true}'), { kind: 'done', value: { synced: true } })
})

test('a result is taken over field by field', () => {
  assert.deepEqual(asUnpackResult(RESULT), RESULT)
  assert.deepEqual(asDigestResult({ digest: DIGEST, bytes: 7 }), { digest: DIGEST, bytes: 7 })
})

test('what the helper never says is refused', () => {
  for (const line of [
    '',
    'null',
    '[]',
    '"x"',
    '{"progress":1}',
    '{"error":{"reason":"OTHER"}}',
    '{"progress":{"bytes":-1}}',
  ])
    assert.throws(() => parseAnswer(line), Error, line)
  for (const wrong of [{ digest: 'sha256:00' }, { bytes: 1.5 }, { compression: 'xz' }, { entries: undefined }])
    assert.throws(() => asUnpackResult({ ...RESULT, ...wrong }), TypeError)
})
