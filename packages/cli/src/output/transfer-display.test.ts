import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeTransfer, stepDisplay } from './transfer-display.ts'

const part = (digit: string, action: string, done = 0, total = 2_000_000) => ({
  subject: `sha256:${digit.repeat(64)}`,
  action,
  done,
  total,
  unit: 'bytes',
})

test('draws a line a layer', () => {
  const parts = [part('a', 'done'), part('b', 'downloading', 500_000), part('c', 'unpacking', 7_000, 0)]
  assert.equal(
    describeTransfer(parts, 24),
    [
      'aaaaaaaaaaaa: done',
      'bbbbbbbbbbbb: downloading [======                  ] 500kB of 2MB',
      'cccccccccccc: unpacking   7kB',
    ].join('\n'),
  )
})

test('draws no more lines than the terminal has, and those that move first', () => {
  const parts = [...'0123456789'].map((digit) => part(digit, digit === '9' ? 'downloading' : 'done'))
  const lines = describeTransfer(parts, 6).split('\n')
  assert.equal(lines.length, 2)
  assert.match(lines[0] ?? '', /^999999999999: downloading/)
  assert.equal(lines[1], 'and 9 more, 9 done')
})

test('writes a line a step where nothing can move, and lets no registry write to the terminal', () => {
  const notes: string[] = []
  const display = stepDisplay({ note: (text) => void notes.push(text) })
  for (const done of [0, 1, 2]) display.show(part('a', 'downloading', done))
  display.show(part('a', 'done'))
  display.show({ subject: 'evil\x1b[2J', action: 'skipped', done: 0, total: 0, unit: 'bytes' })
  assert.deepEqual(notes, ['aaaaaaaaaaaa: downloading (2MB)', 'aaaaaaaaaaaa: done (2MB)', 'evil\\x1b[2J: skipped'])
})
