import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DetachKeys, parseDetachKeys } from './detach-keys.ts'

const CTRL_P = 0x10
const CTRL_Q = 0x11

function typed(keys: string, ...chunks: (string | number[])[]): { text: string; detached: boolean } {
  const filter = new DetachKeys(parseDetachKeys(keys))
  let text = ''
  for (const chunk of chunks) {
    const { forward, detached } = filter.feed(Buffer.from(chunk as string))
    text += forward.toString('latin1')
    if (detached) return { text, detached }
  }
  return { text, detached: false }
}

test('reads names of keys', () => {
  assert.deepEqual([...parseDetachKeys('ctrl-p,ctrl-q')], [CTRL_P, CTRL_Q])
  assert.deepEqual([...parseDetachKeys('ctrl-],x')], [0x1d, 0x78])
  assert.deepEqual([...parseDetachKeys('')], [])
  for (const text of ['ctrl-', 'ctrl-P', 'xx', 'a,,b', ','])
    assert.throws(() => parseDetachKeys(text), /--detach-keys/, text)
})

test('detaches on the keys, in one piece or in several', () => {
  assert.deepEqual(typed('ctrl-p,ctrl-q', [0x61, CTRL_P, CTRL_Q, 0x62]), { text: 'a', detached: true })
  assert.deepEqual(typed('ctrl-p,ctrl-q', 'a', [CTRL_P], [CTRL_Q]), { text: 'a', detached: true })
})

test('hands on keys that only begin like the detach keys', () => {
  assert.deepEqual(typed('ctrl-p,ctrl-q', [CTRL_P], 'x'), { text: '\x10x', detached: false })
  assert.deepEqual(typed('ctrl-p,ctrl-q', [CTRL_P, CTRL_P, CTRL_Q]), { text: '\x10', detached: true })
  assert.deepEqual(typed('a,a,b', 'aaaab'), { text: 'aa', detached: true })
  assert.deepEqual(typed('a,b,a,c', 'ababac'), { text: 'ab', detached: true })
})

test('hands everything on when there are no detach keys', () => {
  assert.deepEqual(typed('', [CTRL_P, CTRL_Q]), { text: '\x10\x11', detached: false })
})
