import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CaissonError } from '@caisson/api'
import type { Digest } from '@caisson/oci'
import { SingleFlight } from '../concurrency/single-flight.ts'
import { together } from '../concurrency/together.ts'
import { publish, syncDirectory } from '../disk/durable.ts'
import type { Staging, StagingDir } from '../disk/staging.ts'
import type { StateDir } from '../disk/state-dir.ts'
import type { Trash } from '../disk/trash.ts'
import type { ImageLayer } from '../image/ports.ts'
import type { Hold } from '../lease/holds.ts'
import { type BlobUnpackCall, BlobUnpacks } from './blob-unpacks.ts'
import type { LayerRecord, LayerTable, LayerTool, RootAttributes, UnpackedLayer } from './ports.ts'
import { UnpackBudget, type UnpackLimits } from './unpack-budget.ts'

export interface LayersDeps {
  readonly dir: StateDir
  readonly staging: Staging
  readonly trash: Trash
  readonly table: LayerTable
  readonly tool: LayerTool
  readonly limits: UnpackLimits & {
    /** Whole blobs that are unpacked at once, of all images together; and as many more while they arrive. */
    readonly maxUnpacks: number
  }
  readonly clock: () => number
}

/** What a caller wants to know of layers that are unpacked for it. */
export interface UnpackCall extends BlobUnpackCall {
  readonly hold: Hold
}

const DEFAULT_ROOT: RootAttributes = { mode: 0o755, uid: 0, gid: 0 }

/** The layers of one image on their way, the lowest first. */
interface Stack {
  readonly layers: readonly ImageLayer[]
  /** Digests of blobs that were found right. */
  readonly verified: Set<Digest>
  readonly budget: UnpackBudget
}

/** Unpacked layers, by chain id: each is there once, whole, and shared by every image and snapshot above it. */
export class Layers {
  readonly #deps: LayersDeps
  readonly #flights = new SingleFlight<LayerRecord>()
  readonly #unpacks: BlobUnpacks
  readonly #known: Map<Digest, LayerRecord>
  readonly #lowerDirs = new Map<Digest, readonly string[]>()

  constructor(deps: LayersDeps) {
    this.#deps = deps
    this.#unpacks = new BlobUnpacks(deps.tool, deps.limits.maxUnpacks)
    this.#known = new Map(deps.table.all().map((layer) => [layer.chainId, layer]))
  }

  get(chainId: Digest): LayerRecord | undefined {
    return this.#known.get(chainId)
  }

  all(): IterableIterator<LayerRecord> {
    return this.#known.values()
  }

  /** Whether every layer is unpacked. */
  areReady(layers: readonly ImageLayer[]): boolean {
    return layers.every((layer) => this.#known.has(layer.chainId))
  }

  /** Whether every layer of a stack is there. One may be lost in a crash; then it is unpacked again. */
  isWhole(base: Digest | undefined): boolean {
    for (let at = base; at !== undefined; ) {
      const layer = this.#known.get(at)
      if (!layer) return false
      at = layer.opaque ? undefined : layer.parent
    }
    return true
  }

  /** Directories to mount, the topmost first. What stands on nothing is mounted on an empty directory. */
  lowerDirs(base: Digest | undefined): readonly string[] {
    if (base === undefined) return [this.#deps.dir.emptyLayer]
    const known = this.#lowerDirs.get(base)
    if (known) return known
    const dirs: string[] = []
    for (let at: Digest | undefined = base; at !== undefined; ) {
      const layer: LayerRecord = this.#get(at)
      dirs.push(join(this.#deps.dir.layer(at), 'fs'))
      at = layer.opaque ? undefined : layer.parent
    }
    this.#lowerDirs.set(base, dirs)
    return dirs
  }

  /** Mode and owner of the merged root. */
  rootOf(base: Digest | undefined): RootAttributes {
    return (base && this.#known.get(base)?.root) ?? DEFAULT_ROOT
  }

  /**
   * Unpacks what is not unpacked yet: layers side by side, each as soon as its blob is there, made visible the lowest
   * first. Each blob must have its digest and its diff id. Returns the digests of the blobs that this call read and found
   * right.
   */
  async ensure(layers: readonly ImageLayer[], call: UnpackCall): Promise<ReadonlySet<Digest>> {
    const stack: Stack = { layers, verified: new Set(), budget: new UnpackBudget(this.#deps.limits) }
    for (const { chainId } of layers) {
      call.hold.add(chainId)
      stack.budget.count(this.#known.get(chainId))
    }
    if (layers.length > 0) await this.#join(stack, layers.length - 1, call)
    // Those that others unpacked meanwhile count too.
    const total = new UnpackBudget(this.#deps.limits)
    for (const { chainId } of layers) total.count(this.#known.get(chainId))
    return stack.verified
  }

  /** Makes an empty layer directory in a staging folder. */
  stage(staging: StagingDir, name = 'layer'): string {
    const target = staging.at(join(name, 'fs'))
    mkdirSync(dirname(target), { mode: 0o700 })
    mkdirSync(target, { mode: 0o700 })
    giveAttributes(target, DEFAULT_ROOT)
    return target
  }

  /** Takes over the staged directory of a lowest layer, which is on the disk, unless that layer is there already. */
  async adopt(
    staged: string,
    unpacked: UnpackedLayer,
    call: Pick<UnpackCall, 'hold' | 'signal'>,
  ): Promise<LayerRecord> {
    const chainId = unpacked.diffId
    call.hold.add(chainId)
    const known = this.#known.get(chainId)
    if (known) return known
    return await this.#flights.run(
      chainId,
      () => this.#publish(staged, { chainId, below: undefined, unpacked }),
      call.signal,
    )
  }

  /** Forgets a layer whose row is gone. */
  forget(chainId: Digest): void {
    this.#known.delete(chainId)
    this.#lowerDirs.clear()
  }

  #get(chainId: Digest): LayerRecord {
    const layer = this.#known.get(chainId)
    if (layer) return layer
    throw new CaissonError('data-loss', `the unpacked layer ${chainId} is lost: load or pull its image again`, {
      reason: 'LAYER_LOST',
      details: { layer: chainId },
    })
  }

  /** The layer at a place in the stack, and with it all below: at hand, in work already, or made now. */
  async #join(stack: Stack, at: number, call: UnpackCall): Promise<LayerRecord> {
    const layer = at < 0 ? undefined : stack.layers[at]
    if (!layer) throw new Error(`an image has no layer ${at}`)
    const work = (signal: AbortSignal): Promise<LayerRecord> => this.#make(stack, at, layer, { ...call, signal })
    return this.#known.get(layer.chainId) ?? (await this.#flights.run(layer.chainId, work, call.signal))
  }

  /** Unpacks a layer while those below it are made, and makes it visible when they are. */
  async #make(stack: Stack, at: number, layer: ImageLayer, call: UnpackCall): Promise<LayerRecord> {
    using staging = this.#deps.staging.open()
    const stage = (name: string): string => this.stage(staging, name)
    const [below, { target, unpacked }] = await together(call.signal, (signal) => [
      at === 0 ? Promise.resolve(undefined) : this.#join(stack, at - 1, { ...call, signal }),
      this.#unpacks.unpack({ layer, isLowest: at === 0 }, stack.budget, stage, { ...call, signal }),
    ])
    const record = await this.#publish(target, { chainId: layer.chainId, below, unpacked })
    stack.verified.add(layer.digest)
    return record
  }

  async #publish(
    staged: string,
    what: { chainId: Digest; below: LayerRecord | undefined; unpacked: UnpackedLayer },
  ): Promise<LayerRecord> {
    const { chainId, below, unpacked } = what
    if (!unpacked.hasRoot && below) {
      giveAttributes(staged, below.root)
      await syncDirectory(staged)
    }
    const about = lstatSync(staged)
    const record: LayerRecord = {
      chainId,
      diffId: unpacked.diffId,
      parent: below?.chainId,
      bytes: unpacked.bytes,
      entries: unpacked.entries,
      opaque: unpacked.opaque,
      root: { mode: about.mode & 0o7777, uid: about.uid, gid: about.gid },
      createdMs: this.#deps.clock(),
    }
    const path = this.#deps.dir.layer(chainId)
    // Without a row it is what an earlier attempt left.
    if (existsSync(path)) this.#deps.trash.discard(path)
    await publish(dirname(staged), path)
    this.#deps.table.insert(record)
    this.#known.set(chainId, record)
    return record
  }
}

/** Gives an empty directory of our own exactly these attributes, whatever the umask was. */
export function giveAttributes(path: string, { mode, uid, gid }: RootAttributes): void {
  if (uid !== 0 || gid !== 0) chownSync(path, uid, gid)
  chmodSync(path, mode)
}
