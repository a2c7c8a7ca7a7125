import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeLines } from './host-lines.ts'

const before = '127.0.0.1 localhost\n10.0.0.2 web\n'
const after = '127.0.0.1 localhost\n10.0.0.2 web\n10.1.0.2 web\n'

test('a file that nobody else wrote to becomes the new one', () => {
  assert.equal(mergeLines(before, before, after), after)
  assert.equal(mergeLines(after, after, before), before)
})

test('keeps the lines of others, and adds and takes away its own', () => {
  const edited = `# mine\n${before}\n9.9.9.9 db`
  const connected = mergeLines(edited, before, after)
  assert.equal(connected, '# mine\n127.0.0.1 localhost\n10.0.0.2 web\n\n9.9.9.9 db\n10.1.0.2 web\n')
  assert.equal(mergeLines(connected, after, before), `# mine\n${before}\n9.9.9.9 db\n`)
})

test('doing it twice changes nothing more', () => {
  const edited = `${before}9.9.9.9 db\n`
  const once = mergeLines(edited, before, after)
  assert.equal(mergeLines(once, before, after), once)
  assert.equal(mergeLines(after, before, after), after)
})

test('what a container took away of its own comes back, as its address is there', () => {
  assert.equal(mergeLines('', before, after), after)
})
