import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a snapshot says is to be mounted. */
export interface OverlayDirs {
  readonly lowerDirs: readonly string[]
  readonly upperDir: string
  readonly workDir: string
}

/** A snapshot as a container sees it: the overlay file system itself, mounted with the ids of the host. */
export class MountedSnapshot implements Disposable {
  readonly path: string

  constructor(dirs: OverlayDirs | undefined) {
    if (!dirs) throw new Error('there is nothing to mount')
    this.path = mkdtempSync(join(tmpdir(), 'csn-mounted-'))
    const { lowerDirs, upperDir, workDir } = dirs
    // Two lower directories at least, for those that are mounted read-only.
    const empty = join(this.path, 'empty')
    if (upperDir === '') mkdirSync(empty)
    const lowers = [...lowerDirs, ...(upperDir === '' ? [empty] : [])].join(':')
    const upper = upperDir === '' ? '' : `,upperdir=${upperDir},workdir=${workDir}`
    const target = join(this.path, 'root')
    mkdirSync(target)
    const options = `lowerdir=${lowers}${upper},redirect_dir=nofollow,metacopy=off`
    const { status, stderr } = spawnSync('mount', ['-t', 'overlay', 'overlay', '-o', options, target])
    if (status !== 0) throw new Error(`the overlay cannot be mounted: ${stderr}`)
  }

  get root(): string {
    return join(this.path, 'root')
  }

  /** Runs a shell script in it. */
  shell(script: string): string {
    const { status, stdout, stderr } = spawnSync('sh', ['-ec', script], {
      ...{ cwd: this.root, encoding: 'utf8', timeout: 60_000 },
    } as const)
    if (status !== 0) throw new Error(`the script failed: ${stderr}`)
    return stdout
  }

  /** A digest of all that GNU tar sees in it, extended attributes too. */
  sum(): string {
    const { stdout } = spawnSync('sh', ['-c', SUM], { cwd: this.root, encoding: 'utf8' })
    return stdout
  }

  [Symbol.dispose](): void {
    spawnSync('umount', ['-l', this.root])
    for (const name of ['root', 'empty', '.'])
      try {
        rmdirSync(join(this.path, name))
      } catch {
        // The empty directory is not always there; what a failed test left stays for a look.
      }
  }
}

const SUM = `tar --xattrs --xattrs-include='user.*' --xattrs-include=security.capability --sort=name --numeric-owner \
  --format=pax -cf - --pax-option=delete=atime,delete=ctime,exthdr.name=x . | sha256sum`
