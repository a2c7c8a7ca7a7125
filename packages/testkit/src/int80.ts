import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { staticProgram } from './rootfs.ts'

/** getpid by number 20 of the 32-bit table. */
const PROGRAM = 'int main(void){int r;__asm__ volatile("int $0x80":"=a"(r):"a"(20));return r>0?0:1;}'

/** Whether this kernel takes system calls of 32-bit programs. Some are built or booted without, and kill who makes one. */
export function takes32BitCalls(): boolean {
  if (process.arch !== 'x64') return false
  const folder = mkdtempSync(join(tmpdir(), 'csn-int80-'))
  try {
    const path = join(folder, 'probe')
    writeFileSync(path, staticProgram(PROGRAM), { mode: 0o755 })
    return spawnSync(path).status === 0
  } finally {
    rmSync(folder, { recursive: true })
  }
}
