import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { html } from './html.ts'

test('escapes what is filled in, wherever it stands', () => {
  const text = `<script>alert("1" & '2')</script>\``
  const { markup } = html`<p title="${text}">${text}</p>`
  const safe = '&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;&#96;'
  assert.equal(markup, `<p title="${safe}">${safe}</p>`)
})

test('takes markup as it is, lists one behind the other, and nothing for what is absent', () => {
  const items = ['a', '<b>'].map((item) => html`<li>${item}</li>`)
  assert.equal(html`<ul>${items}</ul>${false}${undefined}${0}`.markup, '<ul><li>a</li><li>&lt;b&gt;</li></ul>0')
})

test('lets no text of any kind through that could end a text or an attribute', async () => {
  await fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.doesNotMatch(html`${text}`.markup, /[<>"'`]/)
    }),
  )
})

test('only html makes markup, and attributes are quoted where something is filled in', () => {
  const files = globSync('*.ts', { cwd: import.meta.dirname }).filter((file) => !file.endsWith('.test.ts'))
  assert.ok(files.length > 15, `only ${files.length} files were found`)
  for (const file of files) {
    const source = readFileSync(join(import.meta.dirname, file), 'utf8')
    if (file !== 'html.ts') assert.doesNotMatch(source, /new Html\(/, file)
    assert.doesNotMatch(source, /\s[\w-]+=\$\{/, file)
  }
})
