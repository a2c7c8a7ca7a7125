import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assetPath } from './paths.ts'

export interface Asset {
  readonly type: string
  readonly bytes: Buffer
}

/** Style, script and icon. Their names hold their digests, so that browsers may keep them for good. */
export interface Assets {
  readonly style: string
  readonly script: string
  readonly icon: string
  /** By the name behind `/ui/-/`. */
  find(name: string): Asset | undefined
}

/** Reads the files of the folder. */
export async function loadAssets(folder: string): Promise<Assets> {
  const found = new Map<string, Asset>()
  const load = async (stem: string, ending: string, type: string): Promise<string> => {
    const bytes = await readFile(join(folder, `${stem}.${ending}`))
    const name = `${stem}.${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}.${ending}`
    found.set(name, { type, bytes })
    return assetPath(name)
  }
  return {
    style: await load('style', 'css', 'text/css; charset=utf-8'),
    script: await load('script', 'js', 'text/javascript; charset=utf-8'),
    icon: await load('icon', 'svg', 'image/svg+xml'),
    find: (name) => found.get(name),
  }
}
