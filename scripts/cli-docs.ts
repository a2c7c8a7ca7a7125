// Writes docs/cli.md, the reference of the command, from the definitions of its commands. With --check it writes nothing
// and fails when the file is not what it would write.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cliReference } from '../packages/cli/src/reference.ts'

const file = join(import.meta.dirname, '../docs/cli.md')
const wanted = cliReference()
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== wanted) {
    process.stderr.write("docs/cli.md is not up to date: run 'node scripts/cli-docs.ts'\n")
    process.exit(1)
  }
} else {
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, wanted)
}
