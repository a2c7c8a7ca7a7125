import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { decode, readCorpus, writeCases } from './corpus-file.ts'
import { show } from './show.ts'

/** DOCKERFILE_CORPUS=write puts what is shown now into the files; read the difference before it is kept. */
const isWriting = process.env['DOCKERFILE_CORPUS'] === 'write'
const corpus = readCorpus()

for (const { topic, path, cases } of corpus) {
  if (isWriting)
    writeFileSync(
      path,
      writeCases(cases, ({ header }, dockerfile) => show(header, dockerfile)),
    )
  for (const { title, dockerfile, views } of isWriting ? [] : cases) {
    for (const { header, expected } of views) {
      test(`${topic}: ${title} (${header})`, () => assert.equal(show(header, decode(dockerfile)), expected))
    }
  }
}

test('the corpus covers the language', () => {
  const count = corpus.reduce((sum, { cases }) => sum + cases.length, 0)
  assert.ok(count >= 150, `the corpus has ${count} cases`)
  assert.deepEqual(
    corpus.flatMap(({ cases }) => cases.filter(({ views }) => views.length === 0).map(({ title }) => title)),
    [],
  )
})
