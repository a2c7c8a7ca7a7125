import type { FileSender } from '../http/ports.ts'
import { loadAddon } from './load-addon.ts'

/**
 * The addon. `send` duplicates both descriptors, so that closing them meanwhile does no harm; it rejects with an Error with
 * `code` (EPIPE, ETIMEDOUT, EIO when the file is too short), and throws a TypeError for what is no whole number.
 */
export const nativeSender: FileSender = loadAddon('sender')
