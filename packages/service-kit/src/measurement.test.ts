import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expositionOf } from './measurement.ts'

test('measurements become lines, and a label cannot end its line', () => {
  const text = expositionOf(
    [
      {
        name: 'things_total',
        help: 'Things.',
        kind: 'counter',
        values: [{ labels: { name: 'a"b\\c\nd' }, value: 18_446_744_073_709_551_615n }],
      },
    ],
    { service: 'x' },
  )
  assert.equal(
    text,
    '# HELP things_total Things.\n# TYPE things_total counter\n' +
      'things_total{name="a\\"b\\\\c\\nd",service="x"} 18446744073709551615\n',
  )
})
