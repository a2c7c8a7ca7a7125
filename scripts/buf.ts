// Lints the contract, and checks that it breaks nobody who speaks the contract of main.
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const buf = join(root, 'node_modules/.bin/buf')

execFileSync(buf, ['lint'], { cwd: root, stdio: 'inherit' })

const base = baseCommit()
if (base === undefined) console.log('buf breaking: skipped: there is no earlier contract to compare with')
else execFileSync(buf, ['breaking', '--against', `.git#ref=${base}`], { cwd: root, stdio: 'inherit' })

/** What the change is compared with: where it leaves origin's main, or the commit before, if that one has a contract. */
function baseCommit(): string | undefined {
  for (const candidate of [git('merge-base', 'HEAD', 'origin/main'), git('rev-parse', 'HEAD~1')])
    if (
      candidate !== undefined &&
      candidate !== git('rev-parse', 'HEAD') &&
      git('cat-file', '-e', `${candidate}:buf.yaml`) !== undefined
    )
      return candidate
  return undefined
}

function git(...args: string[]): string | undefined {
  const result = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  return result.status === 0 ? result.stdout.trim() : undefined
}
