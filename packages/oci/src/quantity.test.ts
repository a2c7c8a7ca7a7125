import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isCpuList, nanoCpusToQuota, parseBytes, parseNanoCpus } from './quantity.ts'
import { parseSignal, signalName } from './signal.ts'

test('reads sizes', () => {
  const known: Record<string, number> = {
    '0': 0,
    '512': 512,
    '512b': 512,
    '512m': 512 << 20,
    '512M': 512 << 20,
    '64MiB': 64 << 20,
    '64mb': 64 << 20,
    '1.5g': 1_610_612_736,
    '1 g': 1 << 30,
    '0.5k': 512,
    '0.0001k': 0,
    '2t': 2 * 2 ** 40,
    '9007199254740991': Number.MAX_SAFE_INTEGER,
  }
  for (const [text, bytes] of Object.entries(known)) assert.equal(parseBytes(text), bytes, text)
  for (const bad of [
    '',
    '-1',
    'm',
    '1x',
    '1.m',
    '.5m',
    '1e3',
    '0x10',
    '1mm',
    '9p',
    '9007199254740992',
    ' 1',
    '1\n',
    '١',
  ]) {
    assert.throws(() => parseBytes(bad), { reason: 'SIZE_INVALID' }, bad)
  }
})

test('reads CPUs exactly', () => {
  assert.equal(parseNanoCpus('1.5'), 1_500_000_000)
  assert.equal(parseNanoCpus('0.1'), 100_000_000)
  assert.equal(parseNanoCpus('0.000000001'), 1)
  assert.equal(parseNanoCpus('64'), 64_000_000_000)
  for (const bad of ['', '-1', '1.', '.5', '1e1', '0.0000000001', '1,5', 'two']) {
    assert.throws(() => parseNanoCpus(bad), { reason: 'CPUS_INVALID' }, bad)
  }
  assert.equal(nanoCpusToQuota(1_500_000_000), 150_000)
  assert.equal(nanoCpusToQuota(1_000_000), 1000)
})

test('tells lists of CPUs', () => {
  for (const good of ['0', '0-3', '0,2-4,7', '8191']) assert.ok(isCpuList(good), good)
  for (const bad of ['', '3-1', '0-4294967295', '8192', 'a', '1,', '-1', '0 1', '0-1-2'])
    assert.ok(!isCpuList(bad), bad)
})

test('reads signals by name and number, and names them', () => {
  const known: Record<string, number> = {
    ...{ TERM: 15, SIGTERM: 15, sigterm: 15, '15': 15, KILL: 9, WINCH: 28, IOT: 6, POLL: 29 },
    ...{ RTMIN: 34, 'RTMIN+3': 37, 'SIGRTMAX-1': 63, RTMAX: 64, '64': 64 },
  }
  for (const [text, number] of Object.entries(known)) assert.equal(parseSignal(text), number, text)
  for (const bad of [
    '',
    '0',
    '65',
    '-1',
    'SIGSIGTERM',
    'TERM ',
    '9x',
    'RTMIN-1',
    'RTMAX+1',
    'RTMIN+31',
    'toString',
    '1.0',
  ]) {
    assert.throws(() => parseSignal(bad), { reason: 'SIGNAL_INVALID' }, bad)
  }
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), (number) => {
      if (number !== 32 && number !== 33) assert.equal(parseSignal(signalName(number)), number)
    }),
  )
})
