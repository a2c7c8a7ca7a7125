import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foreign, foreignText } from './text.ts'

const seen = (text: string): string => foreign(text).markup

test('shows characters that turn the direction of writing as their code points', () => {
  assert.equal(
    seen('user\u202Enimda\u2066'),
    '<bdi>user<span class="unseen">U+202E</span>nimda<span class="unseen">U+2066</span></bdi>',
  )
})

test('shows what cannot be seen: zero widths, controls, tags, variation selectors, halves of pairs', () => {
  for (const [text, code] of [
    ['a\u200Bb', 'U+200B'],
    ['a\u0000b', 'U+0000'],
    ['a\rb', 'U+000D'],
    ['a\u001B[31mb', 'U+001B'],
    ['a\u{E0041}b', 'U+E0041'],
    ['a\u{E0101}b', 'U+E0101'],
    ['a\uD800b', 'U+D800'],
    ['a\u3164b', 'U+3164'],
    ['a\uFE0Fb', 'U+FE0F'],
  ] as const)
    assert.match(seen(text), new RegExp(`a<span class="unseen">${code.replace('+', '\\+')}</span>`), code)
})

test('leaves writing as it is: letters of all scripts, line ends, pictures that are joined', () => {
  for (const text of ['Ünïcödé', 'שלום', 'नमस्ते', 'two\nlines\tand a tab', '👩\u200D💻', '❤\uFE0F'])
    assert.equal(seen(text), `<bdi>${text}</bdi>`)
})

test('lets no letter carry more marks than any writing needs', () => {
  assert.equal(seen(`Z${'\u0334'.repeat(1_000)}!`), `<bdi>Z${'\u0334'.repeat(4)}!</bdi>`)
})

test('clips what is long, tells how much there is more, and cuts no character in two', () => {
  assert.equal(
    foreign('x'.repeat(1_000), 10).markup,
    '<bdi>xxxxxxxxxx</bdi> <span class="more">… 990 more characters</span>',
  )
  assert.equal(foreign('ab😀cd', 3).markup, '<bdi>ab</bdi> <span class="more">… 4 more characters</span>')
  assert.equal(foreignText('a\u202Eb'.repeat(9), 4), 'aU+202Eba…')
})
