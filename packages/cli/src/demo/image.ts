import type { DemoProgram } from './program.ts'
import { type TarEntry, writeTar } from './tar.ts'

const APPLETS = [
  'sh',
  'ls',
  'cat',
  'echo',
  'id',
  'hostname',
  'ps',
  'ip',
  'mount',
  'sleep',
  'true',
  'env',
  'uname',
  'df',
]

/** The root file system of the demo's image as a tar. */
export function demoRootFileSystem(program: DemoProgram): Buffer {
  const directories = ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp']
  return writeTar([
    ...directories.map((path): TarEntry => ({ kind: 'directory', path, mode: path === 'tmp' ? 0o1777 : 0o755 })),
    textFile('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n'),
    textFile('etc/group', 'root:x:0:\n'),
    { kind: 'file', path: `bin/${program.kind}`, mode: 0o755, data: program.data },
    ...(program.kind === 'busybox' ? APPLETS : ['true']).map(
      (name): TarEntry => ({ kind: 'symlink', path: `bin/${name}`, target: program.kind }),
    ),
  ])
}

function textFile(path: string, content: string): TarEntry {
  return { kind: 'file', path, mode: 0o644, data: Buffer.from(content) }
}

/** What the demo runs to show where it is. */
export function demoCommand({ kind }: DemoProgram): string[] {
  if (kind === 'inside') return ['/bin/inside']
  return ['sh', '-c', 'id; echo "hostname $(hostname)"; uname -sr; ip -4 addr show eth0 | grep inet; ps']
}
