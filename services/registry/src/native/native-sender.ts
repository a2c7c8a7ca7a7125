import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { FileSender } from '../http/ports.ts'

// From src/native/ in a checkout, from dist/ in a bundle.
const places = ['../../native/build/sender.node', '../native/build/sender.node', './sender.node']

function load(): FileSender {
  const path = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((file) => existsSync(file))
  if (path === undefined) throw new Error('sender.node is not built: run `make -C services/registry/native`')
  return createRequire(import.meta.url)(path)
}

/**
 * The addon. `send` duplicates both descriptors, so that closing them meanwhile does no harm; it rejects with an Error with
 * `code` (EPIPE, ETIMEDOUT, EIO when the file is too short), and throws a TypeError for what is no whole number.
 */
export const nativeSender: FileSender = load()
