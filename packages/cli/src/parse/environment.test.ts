import assert from 'node:assert/strict'
import { test } from 'node:test'
import { environmentOf, parseEnvFile } from './environment.ts'

test('takes values as they stand and names alone from the own environment', () => {
  const own = { HOME: '/root', EMPTY: '' }
  assert.deepEqual(environmentOf([], ['A=b', 'HOME', 'EMPTY', 'MISSING', 'C=d=e', 'D='], own), [
    'A=b',
    'HOME=/root',
    'EMPTY=',
    'C=d=e',
    'D=',
  ])
})

test('reads env files as they are: no quotes, no expansion', () => {
  const text = '\uFEFF# comment\nA=1\n\n  B="two words" # not a comment\r\nHOME\nC=$A\n   # indented\nD= x \n'
  assert.deepEqual(parseEnvFile(text, 'f', { HOME: '/h' }), [
    'A=1',
    'B="two words" # not a comment',
    'HOME=/h',
    'C=$A',
    'D= x ',
  ])
})

test('names file and line of what is wrong', () => {
  assert.throws(() => parseEnvFile('A=1\nB C=2\n', 'my.env', {}), /my\.env, line 2: 'B C=2' is not a variable/)
  assert.throws(() => environmentOf([], ['=x'], {}), /--env: '=x' is not a variable/)
  assert.throws(() => environmentOf(['/does/not/exist'], [], {}), /--env-file: cannot read \/does\/not\/exist/)
})
