import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSecret, signedHeaders } from './signature.ts'

test('signs as the libraries of Standard Webhooks verify', () => {
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: Buffer.from('{"test": 2432232314}') }
  const secret = checkSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
  assert.deepEqual(signedHeaders(message, secret, 1_614_265_330_999), {
    'webhook-id': message.id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

test('takes secrets that are long enough', () => {
  const good = ['sixteen-letters-', `whsec_${Buffer.alloc(64).toString('base64')}`, 'x'.repeat(256)]
  for (const secret of good) assert.equal(checkSecret(secret), secret)
  const bad = [
    '',
    'fifteen-letters',
    'with a blank in it',
    'line\nend-and-more-text',
    'x'.repeat(257),
    'ümlaut-and-more-text',
  ]
  const badKeys = [
    'whsec_',
    'whsec_c2hvcnQ=',
    `whsec_${Buffer.alloc(65).toString('base64')}`,
    `whsec_${'*'.repeat(32)}`,
  ]
  for (const secret of [...bad, ...badKeys]) assert.throws(() => checkSecret(secret), { reason: 'INVALID' }, secret)
})
