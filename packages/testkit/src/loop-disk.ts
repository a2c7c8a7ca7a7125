import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

export type LoopFileSystem = 'ext4' | 'btrfs'

/** For `test(..., { skip: needsLoopDisk() })`. */
export function needsLoopDisk(fileSystem: LoopFileSystem = 'ext4'): false | string {
  if (!existsSync('/dev/loop-control')) return 'needs loop devices'
  if (!existsSync(`/usr/sbin/mkfs.${fileSystem}`)) return `needs mkfs.${fileSystem}`
  return readFileSync('/proc/filesystems', 'utf8').includes(`\t${fileSystem}\n`)
    ? false
    : `needs ${fileSystem} in the kernel`
}

export interface LoopDiskOptions {
  /** Size of the disk; its file is sparse. */
  readonly mebibytes: number
  /** Default: ext4. Copies of a btrfs need Linux 6.7: older ones do not mount two of one identity. */
  readonly fileSystem?: LoopFileSystem
  /** Options of its mount. */
  readonly mountOptions?: string
}

/** A file system on a file, mounted in a folder of its own. Call it inside a mount namespace (see inNamespaces). */
export class LoopDisk implements Disposable {
  /** Where it is mounted. */
  readonly path: string
  readonly #work: string
  readonly #file: string

  private constructor(work: string) {
    this.#work = work
    this.#file = join(work, 'disk')
    this.path = join(work, 'mnt')
    mkdirSync(this.path)
  }

  /** A new, empty disk. */
  static create({ mebibytes, fileSystem = 'ext4', mountOptions }: LoopDiskOptions): LoopDisk {
    const disk = new LoopDisk(mkdtempSync(join(tmpdir(), 'csn-disk-')))
    execFileSync('truncate', ['-s', `${mebibytes}M`, disk.#file])
    const quick = fileSystem === 'ext4' ? ['-E', 'nodiscard'] : ['--nodiscard']
    execFileSync(`mkfs.${fileSystem}`, ['-q', ...quick, disk.#file])
    disk.#mount(mountOptions)
    return disk
  }

  /**
   * The disk as it would be found if the power failed now: what nobody has brought to the disk is not on it. Undefined
   * when something was written meanwhile: such a copy would be of no moment. Stop the writers first.
   */
  cut(): LoopDisk | undefined {
    const before = this.#writes()
    const copy = new LoopDisk(mkdtempSync(join(tmpdir(), 'csn-disk-')))
    copyFileSync(this.#file, copy.#file)
    if (this.#writes() !== before) {
      rmSync(copy.#work, { recursive: true })
      return undefined
    }
    copy.#mount()
    return copy
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['--recursive', this.path])
    rmSync(this.#work, { recursive: true })
  }

  #mount(options?: string): void {
    execFileSync('mount', ['-o', options === undefined ? 'loop' : `loop,${options}`, this.#file, this.path])
  }

  /** Writes that the device has taken and those on their way to it. */
  #writes(): string {
    const device = execFileSync('findmnt', ['-n', '-o', 'SOURCE', this.path], { encoding: 'utf8' }).trim()
    const at = `/sys/block/${basename(device)}`
    const [, , , , writes] = readFileSync(`${at}/stat`, 'utf8').trim().split(/\s+/)
    return `${writes} ${readFileSync(`${at}/inflight`, 'utf8').trim().split(/\s+/)[1]}`
  }
}
