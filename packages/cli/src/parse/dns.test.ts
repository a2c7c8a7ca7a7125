import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseExtraHosts } from './dns.ts'

test('reads hosts with a colon or an equals sign, of IPv4, IPv6, and the host', () => {
  const values = ['db:10.1.2.3', 'six=fd00::1', 'seven:[fd00::2]', 'eight:fd00::3', 'host.lan:host-gateway']
  assert.deepEqual(parseExtraHosts(values), {
    db: '10.1.2.3',
    six: 'fd00::1',
    seven: 'fd00::2',
    eight: 'fd00::3',
    'host.lan': 'host-gateway',
  })
  assert.deepEqual(parseExtraHosts([]), {})
})

for (const value of ['db', 'db:', ':10.1.2.3', 'db:web', 'db:10.1.2', 'db:[10.1.2.3'])
  test(`refuses the host ${JSON.stringify(value)}`, () => {
    assert.throws(() => parseExtraHosts([value]), { message: /--add-host/ })
  })

test('refuses a second address of one name', () => {
  assert.throws(() => parseExtraHosts(['db:10.1.2.3', 'db:10.1.2.4']), { message: /db a second address/ })
})
