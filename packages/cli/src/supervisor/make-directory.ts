import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { failedPrecondition } from '@caisson/api/error'

/**
 * Makes a directory and those above it that are missing. Not by Node's own `recursive`, which never ends where the file
 * system has no directories to make (/proc).
 */
export function makeDirectory(path: string, mode: number): void {
  try {
    make(path, mode)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw failedPrecondition(
      'CANNOT_MAKE_DIRECTORY',
      `cannot make the directory ${path}: ${why}: choose another --root`,
      {
        details: { path },
        cause,
      },
    )
  }
}

function make(path: string, mode: number): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  if (dirname(path) !== path) make(dirname(path), mode)
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    // Another process may have been faster.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error
  }
}
