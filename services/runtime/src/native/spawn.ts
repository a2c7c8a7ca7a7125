import { createRequire } from 'node:module'
import { join } from 'node:path'

/**
 * What TypeScript lacks of the kernel: the addon `spawn.node`, in the order of native/src/spawn_addon.c.
 *
 * Descriptors are plain numbers that the caller closes. Every function throws an Error with `code` ('ENOENT'), `errno`
 * (negative, as Node's own) and `syscall`, and a TypeError for an argument of the wrong type.
 */
export interface NativeSpawn {
  /**
   * A copy of a program in memory that nobody can change, not even who runs in a container and reaches it by
   * /proc/pid/exe. Close it when nothing is spawned from it any more.
   */
  sealedProgram(path: string): number

  /**
   * Starts a monitor (native/src/control.h) with exactly the descriptors that it knows, as a child of this process. The
   * descriptors given stay the caller's. `init` is -1 when the plan has no init. Blocks for about 0.2 ms.
   *
   * Gives back its pid, a pidfd (readable when it ended; then call waitChild), and this process's end of the first control
   * connection, non-blocking.
   */
  spawnMonitor(options: {
    readonly monitor: number
    readonly init: number
    readonly plan: Uint8Array
    readonly state: number
  }): { readonly pid: number; readonly pidfd: number; readonly control: number }

  /**
   * Takes the exit status of a child that ended (128 + signal when it was killed), so that it does not stay a zombie; null
   * while it runs. ECHILD when it is no child of this process or was taken before.
   */
  waitChild(pidfd: number): number | null

  /** Opens a directory that is no symbolic link (O_PATH): to be handed on, or used with /proc/self/fd. */
  openDirectory(path: string): number

  closeFd(fd: number): void

  /** Locks an open file for this process alone (flock). False when somebody else has it. */
  flockExclusive(fd: number): boolean

  /** ESRCH when there is no such process. */
  pidfdOpen(pid: number): number

  /** ESRCH when it ended. Signal 0 only asks. */
  pidfdSendSignal(pidfd: number, signal: number): void

  /**
   * How a process ended that was reaped by its parent, whoever that was: the status as wait(2) has it (code << 8 | signal).
   * Null when it has not ended yet, or when the kernel (before 6.15) cannot say.
   */
  pidfdExit(pidfd: number): number | null

  /**
   * Reads a regular file inside a directory that is the root of its path: no link leads out of it. EFBIG when it has more
   * than maxBytes, EINVAL when it is something else than a file.
   */
  readFileInRoot(root: string, path: string, maxBytes: number): Buffer

  /**
   * Mounts a cgroup hierarchy anew with `favordynmods` (kernel 6.0): moving a process into a group then takes microseconds
   * instead of waiting for the whole machine to pass a grace period, which is 10 to 20 ms in every start on a host with
   * version 1. It holds for all hierarchies at once, costs every fork a few nanoseconds, and lasts until the machine is
   * started again or somebody says `nofavordynmods`. EINVAL when the kernel does not know it.
   */
  favorCgroupMoves(mountPoint: string): void
}

/** The files that `make -C services/runtime/native` makes, by their names in its build directory. */
export const NATIVE_FILES = { addon: 'spawn.node', monitor: 'caisson-monitor', init: 'caisson-init' } as const

/** Loads the addon from the directory that the native parts were built to. */
export function loadNative(directory: string): NativeSpawn {
  return createRequire(import.meta.url)(join(directory, NATIVE_FILES.addon))
}
