import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ServiceClient, Upload } from '@caisson/api'
import type { Image, ImagesDefinition } from '@caisson/api/image'
import { type TarEntry, tar } from './tar.ts'

const BUSYBOX = '/bin/busybox'
const APPLETS =
  'sh ls cat echo id hostname sleep true false ps mount umount env printenv wc head tail seq test touch mkdir rm ln cp mv stat grep sed awk date kill dd yes od tr sort nc ping ip wget ifconfig mknod chmod chown readlink realpath stty tty timeout xargs find expr hexdump sync df du nproc uname whoami pwd'

/** For `test(..., { skip: needsBusybox() })`. */
export function needsBusybox(): false | string {
  return existsSync(BUSYBOX) ? false : "needs Debian's package busybox-static"
}

/** A root file system of busybox as a tar, with users and the usual directories, and whatever is added. */
export function busyboxRootfs(more: readonly TarEntry[] = []): Buffer {
  const directories = ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root', 'home', 'home/user', 'var', 'usr', 'usr/bin']
  return tar([
    ...directories.map(
      (path): TarEntry => ({ path: `${path}/`, type: 'directory', mode: path === 'tmp' ? 0o1777 : 0o755 }),
    ),
    { path: 'bin/busybox', mode: 0o755, content: readFileSync(BUSYBOX) },
    ...APPLETS.split(' ').map((applet): TarEntry => ({ path: `bin/${applet}`, type: 'symlink', target: 'busybox' })),
    { path: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n' },
    { path: 'etc/group', content: 'root:x:0:\nuser:x:1000:\nextra:x:2000:user\n' },
    ...more,
  ])
}

/**
 * Compiles C source into a static program, for probes that look around inside a container. With glibc it cannot look names
 * up where glibc is not installed; with musl-gcc it can.
 */
export function staticProgram(source: string, compiler: 'gcc' | 'musl-gcc' = 'gcc'): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'csn-probe-'))
  try {
    execFileSync(compiler, ['-O1', '-static', '-Wall', '-Werror', '-x', 'c', '-', '-o', join(dir, 'probe')], {
      input: source,
    })
    return readFileSync(join(dir, 'probe'))
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** Imports a tar as an image. `changes` are Dockerfile lines such as CMD ["/bin/sh"]. */
export async function importImage(
  images: ServiceClient<typeof ImagesDefinition>,
  reference: string,
  rootfs: Uint8Array,
  changes: readonly string[] = [],
): Promise<Image> {
  const upload = new Upload({ reference, changes: [...changes], size: rootfs.length }, [Buffer.from(rootfs)])
  let image: Image | undefined
  for await (const { item } of images.import(upload.messages()))
    if (item?.$case === 'socket') upload.goesTo(item.value)
    else if (item?.$case === 'image') image = item.value
  if (!image) throw new Error(`importing ${reference} gave no image`)
  return image
}
