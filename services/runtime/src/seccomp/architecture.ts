import aarch64 from '../../profiles/syscalls/aarch64.json' with { type: 'json' }
import i386 from '../../profiles/syscalls/i386.json' with { type: 'json' }
import x8664 from '../../profiles/syscalls/x86_64.json' with { type: 'json' }
import { invalid } from '../refusal.ts'

/** An architecture whose system calls a filter can tell apart, under the name that the OCI profiles give it. */
export type SeccompArchitecture = 'SCMP_ARCH_X86_64' | 'SCMP_ARCH_X86' | 'SCMP_ARCH_AARCH64'

export interface SyscallTable {
  /** AUDIT_ARCH_* of linux/audit.h, what the kernel puts into seccomp_data.arch. */
  readonly audit: number
  /** The name that Docker's conditional rules use. */
  readonly goName: 'amd64' | 'x86' | 'arm64'
  readonly numbers: ReadonlyMap<string, number>
  /** Arguments are registers of 32 bits: the high word of seccomp_data.args is always zero. */
  readonly isNarrow: boolean
}

const TABLES: Readonly<Record<SeccompArchitecture, SyscallTable>> = {
  SCMP_ARCH_X86_64: table(0xc000_003e, 'amd64', x8664, false),
  SCMP_ARCH_X86: table(0x4000_0003, 'x86', i386, true),
  SCMP_ARCH_AARCH64: table(0xc000_00b7, 'arm64', aarch64, false),
}

/** Bit that marks the calls of x32 under the audit number of x86-64. */
export const X32_SYSCALL_BIT = 0x4000_0000

function table(
  audit: number,
  goName: SyscallTable['goName'],
  numbers: Record<string, number>,
  isNarrow: boolean,
): SyscallTable {
  return { audit, goName, numbers: new Map(Object.entries(numbers)), isNarrow }
}

export function syscallTable(architecture: SeccompArchitecture): SyscallTable {
  return TABLES[architecture]
}

/** The architecture of this process, for filters of containers on this host. */
export function nativeArchitecture(arch: string = process.arch): SeccompArchitecture {
  if (arch === 'x64') return 'SCMP_ARCH_X86_64'
  if (arch === 'arm64') return 'SCMP_ARCH_AARCH64'
  const message = `no system call table for the architecture ${arch}; run on x86-64 or aarch64, or without a filter`
  throw invalid('SECCOMP_ARCHITECTURE_UNSUPPORTED', arch, message)
}
