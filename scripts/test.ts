// Runs every test: pure ones side by side, root ones (*.root.test.ts) one after the other. Arguments choose files by a
// part of their path: `pnpm test image-store`.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const wanted = process.argv.slice(2)
const files = globSync(
  ['packages/*/{src,test}/**/*.test.ts', 'services/*/{src,test,native/test}/**/*.test.ts', 'test/**/*.test.ts'],
  {
    cwd: root,
    exclude: (path) => path.includes('node_modules'),
  },
)
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()
if (files.length === 0) {
  console.error(`no test file has ${wanted.join(' or ')} in its path`)
  process.exit(1)
}

const isRoot = (file: string): boolean => file.endsWith('.root.test.ts')
const results = [
  runTests(
    'pure',
    files.filter((file) => !isRoot(file)),
    2,
  ),
  runTests('root', files.filter(isRoot), 1),
]
process.exit(results.every(Boolean) ? 0 : 1)

function runTests(name: string, chosen: readonly string[], concurrency: number): boolean {
  if (chosen.length === 0) return true
  console.log(`# ${name}: ${chosen.length} files`)
  const args = ['--test', `--test-concurrency=${concurrency}`, '--test-timeout=300000', '--test-force-exit', ...chosen]
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status === 0
}
