import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

const MODULES = [
  'virtio_pci',
  'virtio_blk',
  'ext4',
  '9pnet_virtio',
  '9p',
  'overlay',
  'veth',
  'bridge',
  'nf_tables',
  'nft_masq',
  'nft_chain_nat',
  'nft_ct',
  'nft_counter',
  'nft_meta_bridge',
  'nf_conntrack_bridge',
  'nft_fib_inet',
  'nft_reject_inet',
  'vxlan',
  'loop',
  'quota_v2',
  'xfs',
]

/** What a virtual machine needs and this machine lacks; undefined when one can run. */
export function machineMissing(): string | undefined {
  for (const program of ['qemu-system-x86_64', 'cpio', 'busybox', 'depmod', 'mkfs.ext4'])
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
      return `needs ${program} (Debian: qemu-system-x86, cpio, busybox-static, kmod, e2fsprogs)`
  return kernelPackage() === undefined ? "needs Debian's linux-image-amd64 from a mirror" : undefined
}

/** Unpacks Debian's kernel once into the system's temporary folder; it is not installed. */
function kernelPackage(): string | undefined {
  const folder = join(tmpdir(), 'caisson-test-cache', 'kernel')
  if (existsSync(folder)) return folder
  const fresh = `${folder}.${process.pid}`
  mkdirSync(fresh, { recursive: true, mode: 0o700 })
  const script =
    "apt-get download $(apt-cache depends linux-image-amd64 | awk '/Depends/{print $2; exit}') && dpkg-deb -x linux-image-*.deb . && rm linux-image-*.deb"
  if (spawnSync('sh', ['-c', script], { cwd: fresh, stdio: 'ignore' }).status !== 0) {
    rmSync(fresh, { recursive: true })
    return undefined
  }
  execFileSync('depmod', ['-b', fresh, basename(globSync(`${fresh}/lib/modules/*`)[0] ?? '')])
  renameSync(fresh, folder)
  return folder
}

/** The modules that are wanted and what they need, in the order in which they are to be loaded. */
function moduleFiles(kernel: string): string[] {
  const release = basename(globSync(`${kernel}/lib/modules/*`)[0] ?? '')
  const files: string[] = []
  for (const name of MODULES) {
    const shown = spawnSync('modprobe', ['-d', kernel, '-S', release, '--show-depends', name], { encoding: 'utf8' })
    for (const line of shown.stdout.split('\n')) {
      const file = /^insmod (\S+)/.exec(line)?.[1]
      if (file !== undefined && !files.includes(file)) files.push(file)
    }
  }
  return files
}

/** Runs a command as root in a virtual machine with Debian's kernel and control groups v2; returns what it printed. */
export async function runInMachine(command: string, timeoutMs: number): Promise<{ code: number; output: string }> {
  const kernel = kernelPackage()
  if (kernel === undefined) throw new Error('no kernel')
  const dir = mkdtempSync(join(tmpdir(), 'csn-vm-'))
  try {
    return await boot(kernel, initramfs(dir, kernel, command), emptyDisk(dir), timeoutMs)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

function initramfs(dir: string, kernel: string, command: string): string {
  const root = join(dir, 'initramfs')
  for (const folder of ['bin', 'modules', 'proc', 'sys', 'dev']) mkdirSync(join(root, folder), { recursive: true })
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'))
  symlinkSync('busybox', join(root, 'bin/sh'))
  copyFileSync(join(import.meta.dirname, 'init.sh'), join(root, 'init'))
  chmodSync(join(root, 'init'), 0o755)
  const files = moduleFiles(kernel)
  for (const file of files) copyFileSync(file, join(root, 'modules', basename(file)))
  writeFileSync(join(root, 'modules/order'), files.map((file) => basename(file)).join('\n'))
  writeFileSync(join(root, 'host-command'), command)
  const image = join(dir, 'initramfs.cpio')
  execFileSync('sh', ['-c', `find . | cpio -o -H newc --quiet > ${image}`], { cwd: root })
  return image
}

/** Emulation runs everywhere. Hardware does it many times faster where virtual machines may nest: CAISSON_VM_ACCEL=kvm. */
function acceleration(): string[] {
  return process.env['CAISSON_VM_ACCEL'] === 'kvm'
    ? ['-accel', 'kvm', '-cpu', 'host']
    : ['-accel', 'tcg,thread=multi', '-cpu', 'max,pku=off']
}

/** A disk for what is temporary: the kernel id-maps no tmpfs before 6.3, and takes no overlay as upper layer. */
function emptyDisk(dir: string): string {
  const disk = join(dir, 'disk.img')
  execFileSync('truncate', ['-s', '8G', disk])
  execFileSync('mkfs.ext4', ['-q', '-F', disk])
  return disk
}

async function boot(
  kernel: string,
  image: string,
  disk: string,
  timeoutMs: number,
): Promise<{ code: number; output: string }> {
  const vmlinuz = globSync(`${kernel}/boot/vmlinuz-*`)[0] ?? ''
  const args = [
    ...acceleration(),
    '-smp',
    '2',
    '-m',
    '4G',
    '-display',
    'none',
    '-no-reboot',
    '-nodefaults',
    '-serial',
    'stdio',
  ]
  args.push('-kernel', vmlinuz, '-initrd', image, '-append', 'console=ttyS0 quiet panic=-1 cgroup_no_v1=all')
  args.push(
    '-fsdev',
    'local,id=host,path=/,security_model=none,readonly=on,multidevs=remap',
    '-device',
    'virtio-9p-pci,fsdev=host,mount_tag=host',
  )
  args.push('-drive', `file=${disk},format=raw,if=virtio,cache=unsafe`)
  args.push('-object', 'rng-random,id=rng', '-device', 'virtio-rng-pci,rng=rng')
  const machine = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const timer = setTimeout(() => machine.kill('SIGKILL'), timeoutMs)
  let output = ''
  for (const stream of [machine.stdout, machine.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  await new Promise((resolve) => machine.on('close', resolve))
  clearTimeout(timer)
  const code = /vm: exit code (\d+)/.exec(output)?.[1]
  return { code: code === undefined ? -1 : Number(code), output: output.replaceAll('\r', '') }
}

/** For a look by hand: node test/vm/machine.ts COMMAND... */
if (process.argv[1] === import.meta.filename) {
  const missing = machineMissing()
  if (missing !== undefined) throw new Error(missing)
  const { code, output } = await runInMachine(process.argv.slice(2).join(' '), 600_000)
  process.stdout.write(output)
  process.exitCode = code === -1 ? 1 : code
}
