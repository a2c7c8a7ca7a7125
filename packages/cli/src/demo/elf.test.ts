import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStaticProgram } from './elf.ts'

function program(headerType: number): Buffer {
  const file = Buffer.alloc(64 + 56)
  file.writeUInt32BE(0x7f454c46, 0)
  file.set([2, 1], 4)
  file.writeBigUInt64LE(64n, 32)
  file.writeUInt16LE(56, 54)
  file.writeUInt16LE(1, 56)
  file.writeUInt32LE(headerType, 64)
  return file
}

test('tells static programs from dynamic ones and from other files', () => {
  assert.equal(isStaticProgram(program(1)), true)
  assert.equal(isStaticProgram(program(3)), false)
  assert.equal(isStaticProgram(Buffer.from('#!/bin/sh\n')), false)
  assert.equal(isStaticProgram(Buffer.alloc(100)), false)
  assert.equal(isStaticProgram(program(1).subarray(0, 64)), false)
})
