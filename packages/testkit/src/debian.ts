import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * A tar of a minimal Debian root file system, made once and kept in the system's temporary folder. Undefined when
 * mmdebstrap or a mirror is missing. Needs the network: call it before a test leaves it behind.
 */
export function debianRootfs(): string | undefined {
  const folder = join(tmpdir(), 'caisson-test-cache')
  const file = join(folder, 'debian-bookworm.tar')
  if (existsSync(file)) return file
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const fresh = `${file}.${process.pid}`
  const made = spawnSync('mmdebstrap', ['--variant=minbase', '--format=tar', 'bookworm', fresh], { stdio: 'ignore' })
  if (made.status !== 0) {
    rmSync(fresh, { force: true })
    return undefined
  }
  renameSync(fresh, file)
  return file
}
