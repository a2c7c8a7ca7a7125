import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Logger } from './logger.ts'

const run = promisify(execFile)
const TIMEOUT_MS = 5_000

/**
 * Lets the folders that are made in `path` from now on be far from each other on the disk, as those in /home are. ext4 looks
 * at every file that was deleted near a new one in the last minutes before it makes that: where thousands of short-lived
 * folders are made and removed, that costs more than all the rest. Other file systems need no such word; never rejects.
 */
export async function spreadFolders(path: string, log: Logger): Promise<void> {
  try {
    await run('chattr', ['+T', '--', path], { timeout: TIMEOUT_MS })
  } catch (error) {
    log.debug({ path, error: String(error) }, 'folders are not spread over the disk')
  }
}
