import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { flush } from './flush.ts'
import { type Format, parseFormat } from './format.ts'
import { Output } from './output.ts'
import { printable, printableLines } from './printable.ts'
import { describeProgress } from './progress.ts'
import { formatTable } from './table.ts'
import { binaryBytes, decimalBytes, rfc3339Nano, roughDuration } from './units.ts'

function output(format: Format): { out: Output; text: () => string } {
  const stdout = new PassThrough()
  const out = new Output({ stdout, stderr: new PassThrough(), format, colors: false })
  stdout.setEncoding('utf8')
  let text = ''
  stdout.on('data', (data: string) => {
    text += data
  })
  return { out, text: () => text }
}

const COLUMNS = [
  { head: 'NAME', cell: (item: { name: string }) => item.name },
  { head: 'LENGTH', cell: (item: { name: string }) => String(item.name.length) },
]

test('lays out columns under headings without blanks at line ends', () => {
  assert.equal(
    formatTable(
      ['A', 'LONG'],
      [
        ['wide cell', ''],
        ['x', 'y'],
      ],
    ),
    'A           LONG\nwide cell\nx           y',
  )
})

test('shows headings alone when there is nothing to list', () => {
  const { out, text } = output('table')
  out.list([], COLUMNS)
  assert.equal(text(), 'NAME   LENGTH\n')
})

test('gives a list as one JSON array, and the messages of a stream one a line', () => {
  const list = output('json')
  list.out.list([{ name: 'ab' }], COLUMNS, ({ name }) => ({ name, kind: 'x' }))
  assert.deepEqual(JSON.parse(list.text()), [{ name: 'ab', kind: 'x' }])
  const stream = output('json')
  stream.out.record({ a: 1 })
  stream.out.record({ a: 2 })
  assert.equal(stream.text(), '{"a":1}\n{"a":2}\n')
})

test('lets no name move the cursor or change the terminal', () => {
  assert.equal(printable('a\x1b[2Jb\r\nc\x07\u202e'), 'a\\x1b[2Jb\\r\\nc\\x07\\u202e')
  assert.equal(printableLines('a\n\tb\x1b'), 'a\n\tb\\x1b')
  assert.match(formatTable(['N'], [['\x1b]0;title\x07']]), /\\x1b\]0;title\\x07/)
  assert.equal(printable('grün ✓ 漢字'), 'grün ✓ 漢字')
})

test('knows table and json, and says that templates are not supported', () => {
  assert.equal(parseFormat(undefined), 'table')
  assert.equal(parseFormat('json'), 'json')
  assert.throws(() => parseFormat('{{.ID}}'), /Go templates are not supported: use table, or json/)
  assert.throws(() => parseFormat('yaml'), /yaml is not a format/)
})

test('writes sizes with three digits', () => {
  assert.deepEqual([0, 1023, 1024, 1536, 10_485_760, 2 ** 40].map(binaryBytes), [
    '0B',
    '1023B',
    '1KiB',
    '1.5KiB',
    '10MiB',
    '1TiB',
  ])
  assert.deepEqual([999, 1_000, 12_345_678, 999_999_999].map(decimalBytes), ['999B', '1kB', '12.3MB', '1000MB'])
})

test('writes rough lengths of time and exact points in time', () => {
  const cases: [number, string][] = [
    [-5, 'less than a second'],
    [1_000, '1 second'],
    [59_999, '59 seconds'],
    [60_000, '1 minute'],
    [3_600_000, '1 hour'],
    [86_400_000, '24 hours'],
    [2 * 86_400_000, '2 days'],
    [400 * 86_400_000, '13 months'],
  ]
  for (const [milliseconds, text] of cases) assert.equal(roughDuration(milliseconds), text)
  assert.equal(rfc3339Nano(1_769_860_800_000_000_001n), '2026-01-31T12:00:00.000000001Z')
})

test('says how far a work is', () => {
  const progress = {
    subject: `sha256:${'a'.repeat(64)}`,
    action: 'unpacking',
    done: 500_000,
    total: 2_000_000,
    unit: 'bytes',
  }
  assert.equal(describeProgress(progress), 'unpacking sha256:aaaaaaaaaaaa 500kB of 2MB (25%)')
  assert.equal(
    describeProgress({ subject: '', action: 'reading', done: 7, total: 0, unit: 'entries' }),
    'reading 7 entries',
  )
})

test('waits for a slow reader before the process ends', async () => {
  const slow = new PassThrough({ highWaterMark: 1 })
  slow.write('a')
  slow.write('b')
  let done = false
  const flushed = flush(slow).then(() => {
    done = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(done, false)
  slow.resume()
  await flushed
})
