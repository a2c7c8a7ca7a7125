import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CaissonError, notFound } from '@caisson/api/error'
import { exitCodeOfError, exitCodeOfSignal, exitCodeOfStatus } from './exit-code.ts'

test('tells a program that is missing or not executable from every other failure', () => {
  const failure = (reason: string): CaissonError => new CaissonError('failed-precondition', 'no', { reason })
  assert.equal(exitCodeOfError(failure('COMMAND_NOT_EXECUTABLE')), 126)
  assert.equal(exitCodeOfError(failure('COMMAND_NOT_FOUND')), 127)
  assert.equal(exitCodeOfError(notFound('image', 'x')), 125)
  assert.equal(exitCodeOfError(new CaissonError('internal', 'x')), 125)
})

test('hands on how a container ended', () => {
  assert.equal(exitCodeOfStatus({ exitCode: 0, signal: 0 }), 0)
  assert.equal(exitCodeOfStatus({ exitCode: 42, signal: 0 }), 42)
  assert.equal(exitCodeOfStatus({ exitCode: 137, signal: 9 }), 137)
  assert.equal(exitCodeOfStatus({ exitCode: -1, signal: 15 }), 143)
  assert.equal(exitCodeOfStatus({ exitCode: -1, signal: 0 }), 125)
})

test('adds the number of a signal to 128', () => {
  assert.equal(exitCodeOfSignal('SIGINT'), 130)
  assert.equal(exitCodeOfSignal('SIGTERM'), 143)
})
