import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyMode, parseMode } from './mode.ts'

const changed = (text: string, current: number, isDirectory = false): string => {
  const mode = parseMode(text)
  return mode === undefined ? 'none' : applyMode(mode, current, isDirectory).toString(8)
}

test('applies modes as chmod does', () => {
  assert.equal(changed('0755', 0o644), '755')
  assert.equal(changed('u+x', 0o644), '744')
  assert.equal(changed('a-w,u+w', 0o666), '644')
  assert.equal(changed('go=', 0o777), '700')
  assert.equal(changed('u=rwX,go=rX', 0o600), '644')
  assert.equal(changed('u=rwX,go=rX', 0o600, true), '755')
  assert.equal(changed('u=rwX,go=rX', 0o700), '755')
  assert.equal(changed('g=u', 0o640), '660')
  assert.equal(changed('u+s,+t', 0o755), '5755')
  assert.equal(changed('g+s-x', 0o755), '2745')
  assert.equal(changed('+x', 0o644), '755')
  assert.equal(changed('o=u-w', 0o640), '644')
})

test('refuses what is no mode', () => {
  for (const text of ['', '8', '10000', 'u', 'x', 'u+q', '+x,', 'u=rg', ',', '-1', '0o755']) {
    assert.equal(changed(text, 0), 'none', text)
  }
})
