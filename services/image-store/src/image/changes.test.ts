import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CaissonError } from '@caisson/api'
import fc from 'fast-check'
import { applyChanges, EMPTY_CONFIG } from './changes.ts'

const apply = (...changes: string[]) => applyChanges(EMPTY_CONFIG, changes)

test('reads commands in their exec and their shell form', () => {
  assert.deepEqual(apply('CMD ["/bin/sh", "-c", "echo  hi"]').cmd, ['/bin/sh', '-c', 'echo  hi'])
  assert.deepEqual(apply('cmd echo "$HOME"').cmd, ['/bin/sh', '-c', 'echo "$HOME"'])
  assert.deepEqual(apply('ENTRYPOINT ["/a b"]').entrypoint, ['/a b'])
  assert.deepEqual(apply('CMD []').cmd, [])
  // What is no list of strings is a command line.
  assert.deepEqual(apply('CMD [1]').cmd, ['/bin/sh', '-c', '[1]'])
})

test('sets variables and labels, the last one wins', () => {
  const { env } = apply('ENV A=1 B="two words" C=a\\ b', "ENV A='x=y'", 'ENV D old form of it')
  assert.deepEqual(env, ['B=two words', 'C=a b', 'A=x=y', 'D=old form of it'])
  assert.deepEqual(apply('LABEL a=1 "b c"="d e"', 'LABEL a=2').labels, { a: '2', 'b c': 'd e' })
})

test('puts working directories onto one another', () => {
  assert.equal(apply('WORKDIR /srv', 'WORKDIR app').workingDir, '/srv/app')
  assert.equal(apply('WORKDIR app').workingDir, '/app')
})

test('reads users, ports, volumes and signals', () => {
  const config = apply('USER 1000:1000', 'EXPOSE 80 53/udp 8000-8010', 'EXPOSE 80', 'VOLUME ["/data"]', 'VOLUME /a /b')
  assert.equal(config.user, '1000:1000')
  assert.deepEqual(config.exposedPorts, ['80/tcp', '53/udp', '8000-8010/tcp'])
  assert.deepEqual(config.volumes, ['/data', '/a', '/b'])
  assert.equal(apply('STOPSIGNAL INT').stopSignal, 'SIGINT')
  assert.equal(apply('STOPSIGNAL 9').stopSignal, '9')
})

test('refuses what it does not know or what makes no sense, and names it', () => {
  const bad = [
    '',
    'CMD',
    'RUN ls',
    'FROM x',
    'constructor x',
    'ENV A',
    'ENV =b',
    'ENV A="b',
    'USER a b',
    'EXPOSE 0',
    'EXPOSE 70000',
    'EXPOSE 80/icmp',
    'EXPOSE 9-1',
    'VOLUME data',
    'VOLUME /',
    'VOLUME /a/../..',
    'STOPSIGNAL 99',
    'STOPSIGNAL $x',
    'CMD a\0b',
    `CMD ${'x'.repeat(70_000)}`,
  ]
  for (const change of bad)
    assert.throws(() => apply(change), { code: 'invalid-argument', reason: 'INVALID_CHANGE' }, change.slice(0, 40))
})

test('never fails in another way, whatever it is given', () => {
  const word = fc.constantFrom('CMD', 'ENV', 'LABEL', 'EXPOSE', 'VOLUME', 'USER', 'WORKDIR', 'STOPSIGNAL', 'X')
  fc.assert(
    fc.property(word, fc.string({ unit: 'binary', maxLength: 60 }), (name, rest) => {
      try {
        apply(`${name} ${rest}`)
      } catch (error) {
        assert.ok(error instanceof CaissonError && error.reason === 'INVALID_CHANGE')
      }
    }),
  )
})
