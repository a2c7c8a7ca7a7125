import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Loads build/NAME.node: from src/native/ in a checkout, from dist/ in a bundle. */
export function loadAddon<T>(name: string): T {
  const places = [`../../native/build/${name}.node`, `../native/build/${name}.node`, `./${name}.node`]
  const path = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((file) => existsSync(file))
  if (path === undefined) throw new Error(`${name}.node is not built: run \`make -C services/registry/native\``)
  return createRequire(import.meta.url)(path)
}
