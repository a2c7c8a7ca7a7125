import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { cliReference } from './reference.ts'

test('docs/cli.md is what the definitions of the commands say', () => {
  const written = readFileSync(join(import.meta.dirname, '../../../docs/cli.md'), 'utf8')
  assert.equal(written, cliReference(), "run 'node scripts/cli-docs.ts'")
})
