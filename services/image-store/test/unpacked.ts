import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { UnpackResult } from '../src/layer/answer.ts'
import { LayerError } from '../src/layer/layer-error.ts'
import { createUnpacker, type Unpacker, type UnpackOptions } from '../src/layer/unpacker.ts'

const NATIVE = join(import.meta.dirname, '..', 'native')
export const LIMITS = { maxBytes: 1 << 30, maxEntries: 100_000 }

/** Why tests that write as root cannot run, or false. */
export const needsRoot: string | false = process.getuid?.() === 0 ? false : 'needs root to make owners and devices'

/** The helper; CAISSON_LAYER_PROGRAM names another build of it, such as the sanitized one. */
export function layerProgram(): string {
  built ??= process.env['CAISSON_LAYER_PROGRAM'] ?? build()
  return built
}

let built: string | undefined

function build(): string {
  const made = spawnSync('make', ['-s', '-C', NATIVE], { encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`the layer helper does not build:\n${made.stderr}`)
  return join(NATIVE, 'build', 'caisson-layer')
}

/** A folder with an empty `root` to unpack into, and `outside` beside it that nothing may touch. */
export interface Workspace extends Disposable {
  readonly path: string
  readonly root: string
  readonly outside: string
  /** Path of the helper. */
  readonly program: string
  readonly unpacker: Unpacker
  unpack(archive: Uint8Array, options?: Partial<UnpackOptions>): Promise<UnpackResult>
  /** The LayerError that unpacking throws. */
  refusal(archive: Uint8Array, options?: Partial<UnpackOptions>): Promise<LayerError>
}

export function openWorkspace(): Workspace {
  const path = mkdtempSync(join(tmpdir(), 'caisson-layer-'))
  const root = join(path, 'root')
  const outside = join(path, 'outside')
  mkdirSync(root)
  mkdirSync(outside)
  const program = layerProgram()
  const unpacker = createUnpacker(program)
  const unpack = (archive: Uint8Array, options: Partial<UnpackOptions> = {}): Promise<UnpackResult> =>
    unpacker.unpack({ blob: streamOf(archive), target: root, limits: LIMITS, ...options })
  return {
    path,
    root,
    outside,
    program,
    unpacker,
    unpack,
    refusal: async (archive, options) => await refusalOf(unpack(archive, options)),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

/** The LayerError that a promise rejects with. */
export async function refusalOf(work: Promise<unknown>): Promise<LayerError> {
  try {
    await work
  } catch (error) {
    if (error instanceof LayerError) return error
    throw error
  }
  throw new Error('it was not refused')
}

/** A stream of bytes, in pieces of a size that is no multiple of anything. */
export function streamOf(bytes: Uint8Array, piece = 10_007): Readable {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += piece) pieces.push(bytes.subarray(at, at + piece))
  return Readable.from(pieces)
}
