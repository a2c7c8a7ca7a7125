import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Line, LineSplitter, LineStamper } from './lines.ts'

test('stamps every line once, whatever pieces it comes in', () => {
  const stamper = new LineStamper()
  const text = [
    stamper.stamp(1, 'A ', Buffer.from('one\ntw')),
    stamper.stamp(2, 'B ', Buffer.from('err')),
    stamper.stamp(1, 'C ', Buffer.from('o\n\nthree')),
    stamper.stamp(2, 'D ', Buffer.from('or\n')),
    stamper.stamp(1, 'E ', Buffer.from('')),
  ].join('|')
  assert.equal(text, 'A one\nA tw|B err|o\nC \nC three|or\n|')
})

test('joins the pieces of lines, each stream by itself', () => {
  const lines: Line<string>[] = []
  const splitter = new LineSplitter<string>((line) => lines.push(line))
  splitter.add('out', 1n, Buffer.from('a'))
  splitter.add('err', 2n, Buffer.from('x\ny'))
  splitter.add('out', 3n, Buffer.from('b\nc'))
  splitter.end()
  assert.deepEqual(lines, [
    { stream: 'err', timeNs: 2n, line: 'x' },
    { stream: 'out', timeNs: 1n, line: 'ab' },
    { stream: 'err', timeNs: 2n, line: 'y' },
    { stream: 'out', timeNs: 3n, line: 'c' },
  ])
})

test('keeps a character whole whose bytes come apart', () => {
  const lines: string[] = []
  const splitter = new LineSplitter<string>(({ line }) => lines.push(line))
  const bytes = Buffer.from('grün\n')
  splitter.add('out', 1n, bytes.subarray(0, 3))
  splitter.add('out', 1n, bytes.subarray(3))
  assert.deepEqual(lines, ['grün'])
})

test('gives a line without an end out in pieces instead of holding it for ever', () => {
  const lengths: number[] = []
  const splitter = new LineSplitter<string>(({ line }) => lengths.push(line.length))
  for (let i = 0; i < 5; i += 1) splitter.add('out', 1n, Buffer.alloc(400_000, 'x'))
  splitter.end()
  assert.deepEqual(lengths, [1_200_000, 800_000])
})
