import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCpus, parseInteger, parseSize, parseSizeOrUnlimited } from './numbers.ts'

test('reads sizes in powers of 1024', () => {
  const cases: [string, number][] = [
    ['0', 0],
    ['1024', 1024],
    ['512m', 536_870_912],
    ['512M', 536_870_912],
    ['512mb', 536_870_912],
    ['512MiB', 536_870_912],
    ['64 k', 65_536],
    ['10b', 10],
    ['1.5g', 1_610_612_736],
    ['0.1k', 102],
    ['1t', 1_099_511_627_776],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ]
  for (const [text, bytes] of cases) assert.equal(parseSize('--memory', text), bytes, text)
})

test('refuses what is not a size and names it', () => {
  for (const text of ['', 'm', '-1', '1x', '1 2', '0x10', '1e3', '1..5', '1,5g', 'Infinity', '5mm'])
    assert.throws(
      () => parseSize('--memory', text),
      new RegExp(`^CaissonError: --memory: '${text}' is not a size`),
      text,
    )
  assert.throws(() => parseSize('--memory', '9007199254740992'), /too large/)
  assert.throws(() => parseSize('--memory', '999999999999t'), /too large/)
})

test('reads -1 as no limit only where that has a meaning', () => {
  assert.equal(parseSizeOrUnlimited('--memory-swap', '-1'), -1)
  assert.equal(parseSizeOrUnlimited('--memory-swap', '1g'), 1 << 30)
  assert.throws(() => parseSizeOrUnlimited('--memory-swap', '-2'), /is not a size/)
})

test('reads processors without rounding', () => {
  assert.equal(parseCpus('2'), 2_000_000_000)
  assert.equal(parseCpus('1.5'), 1_500_000_000)
  assert.equal(parseCpus('.25'), 250_000_000)
  assert.equal(parseCpus('0.000000001'), 1)
  assert.equal(parseCpus('0.29'), 290_000_000)
  for (const text of ['', '.', '-1', '1.0000000001', '1e1', 'two']) assert.throws(() => parseCpus(text), /--cpus/, text)
})

test('reads whole numbers within their bounds', () => {
  assert.equal(parseInteger('--tail', '10', 0), 10)
  assert.equal(parseInteger('--pids-limit', '-1', -1), -1)
  for (const text of ['', '1.5', '1e3', ' 1', '0x1', '99999999999999999', '-2'])
    assert.throws(() => parseInteger('--pids-limit', text, -1), /--pids-limit/, text)
  assert.throws(() => parseInteger('--stop-timeout', '5', 0, 4), /of 0 to 4/)
})
