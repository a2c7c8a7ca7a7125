/**
 * A layer unpacked by the helper of the image store, side by side with whatever of tar, bsdtar and umoci is installed.
 * As root: node services/image-store/test/bench/unpack.ts [rounds] [layer.tar]. Without a tar it makes one of 50,000 files and about 600 MB.
 * The helper also makes both digests and syncs; umoci makes the digests; tar and bsdtar do neither.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createUnpacker } from '../../src/layer/unpacker.ts'
import { tarEnd, tarEntry } from '../tar-writer.ts'
import { layerProgram } from '../unpacked.ts'

const rounds = Number(process.argv[2] ?? 5)
const base = mkdtempSync(join(process.env['CAISSON_BENCH_DIR'] ?? '/tmp', 'caisson-unpack-'))
const layer = process.argv[3] ?? makeLayer(join(base, 'layer.tar'))
const unpacker = createUnpacker(layerProgram())
const LIMITS = { maxBytes: 20 * 2 ** 30, maxEntries: 2_000_000 }
const OURS = 'caisson-layer'

interface Contender {
  readonly work: string
  readonly name: string
  /** Fills the directory. */
  readonly run: (target: string) => Promise<void> | void
}

function shell(script: string, ...args: string[]): void {
  const ran = spawnSync('sh', ['-ec', script, 'sh', ...args], { encoding: 'utf8' })
  if (ran.status !== 0) throw new Error(`${script}: ${ran.stderr}`)
}

function installed(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
}

/** Files of text and noise from a fixed seed, most of them small, fifty in a directory. */
function makeLayer(path: string): string {
  const file = openSync(path, 'w')
  const pool = makePool()
  let seed = 1
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  for (let i = 0; i < 50_000; i++) {
    const dir = `usr/share/d${Math.floor(i / 2000)}/e${Math.floor(i / 50)}`
    if (i % 50 === 0) writeSync(file, tarEntry({ path: dir, type: 'dir' }))
    const size = random(10) === 0 ? random(100_000) : random(15_000)
    const at = random(pool.length - size)
    writeSync(file, tarEntry({ path: `${dir}/file${i}`, content: pool.subarray(at, at + size), uid: random(3) }))
  }
  writeSync(file, tarEnd())
  closeSync(file)
  return path
}

/** Compresses to about a third, as programs and texts do. */
function makePool(): Buffer {
  const pool = Buffer.alloc(1 << 20)
  let seed = 7
  for (let i = 0; i < pool.length; i++) {
    seed = (seed * 48_271) % 2_147_483_647
    pool[i] = seed % 4 === 0 ? seed >> 8 : 'the quick brown container '.charCodeAt((i + (seed >> 16)) % 26)
  }
  return pool
}

async function unpack(blob: string, target: string): Promise<void> {
  const from = openSync(blob, 'r')
  await unpacker.unpack({ blob: from, target, limits: LIMITS, sync: true })
  closeSync(from)
}

function contenders(): Contender[] {
  const found: Contender[] = []
  const add = (work: string, name: string, run: Contender['run']): void => void found.push({ work, name, run })
  const gzip = join(base, 'layer.tar.gz')
  shell('gzip -6 < "$1" > "$2"', layer, gzip)
  add('plain', OURS, (target) => unpack(layer, target))
  add('plain', 'tar -x', (target) => shell('tar -xpf "$1" -C "$2"', layer, target))
  add('gzip', OURS, (target) => unpack(gzip, target))
  add('gzip', 'tar -xz', (target) => shell('tar -xzpf "$1" -C "$2"', gzip, target))
  add('gzip', 'tar -xz and sha256sum', (target) =>
    shell(
      'sha256sum < "$1" > /dev/null; gzip -dc < "$1" | tee "$2.tar" | tar -xpf - -C "$2"; sha256sum < "$2.tar"; rm "$2.tar"',
      gzip,
      target,
    ),
  )
  if (installed('bsdtar')) {
    add('plain', 'bsdtar', (target) => shell('bsdtar -xpf "$1" -C "$2"', layer, target))
    add('gzip', 'bsdtar', (target) => shell('bsdtar -xpf "$1" -C "$2"', gzip, target))
  } else console.log('bsdtar is skipped: it is not installed')
  if (installed('umoci')) add('gzip', 'umoci unpack', umoci())
  if (installed('zstd')) {
    const zstd = join(base, 'layer.tar.zst')
    shell('zstd -q < "$1" > "$2"', layer, zstd)
    add('zstd', OURS, (target) => unpack(zstd, target))
    if (installed('bsdtar')) add('zstd', 'bsdtar', (target) => shell('bsdtar -xpf "$1" -C "$2"', zstd, target))
    add('zstd', 'tar --zstd', (target) => shell('tar --zstd -xpf "$1" -C "$2"', zstd, target))
  }
  return found
}

function umoci(): Contender['run'] {
  const image = join(base, 'oci')
  shell('umoci init --layout "$1"; umoci new --image "$1:x"; umoci raw add-layer --image "$1:x" "$2"', image, layer)
  return (target) => shell('rmdir "$2"; umoci unpack --image "$1:x" "$2"', image, target)
}

async function timed(work: () => Promise<void> | void): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/**
 * Every run has a directory of its own, and all are removed at the end: ext4 is slow to make inodes for half a minute after
 * many were removed, whoever asks.
 */
async function measure(all: readonly Contender[]): Promise<Map<Contender, number[]>> {
  const times = new Map(all.map((contender): [Contender, number[]] => [contender, []]))
  const targets: string[] = []
  for (let round = 0; round < rounds; round++) {
    for (const contender of all) {
      const target = join(base, `target${targets.length}`)
      targets.push(target)
      mkdirSync(target)
      shell('sync')
      times.get(contender)?.push(await timed(() => contender.run(target)))
    }
  }
  return await measureRemoval(targets, times)
}

async function measureRemoval(targets: string[], times: Map<Contender, number[]>): Promise<Map<Contender, number[]>> {
  const removals = { ours: [] as number[], theirs: [] as number[] }
  shell('sync')
  for (const [i, target] of targets.entries()) {
    if (i % 2 === 0) removals.ours.push(await timed(() => unpacker.remove(base, basename(target))))
    else removals.theirs.push(await timed(() => shell('rm -rf "$1"', target)))
  }
  times.set({ work: 'remove', name: OURS, run: () => {} }, removals.ours)
  times.set({ work: 'remove', name: 'rm -rf', run: () => {} }, removals.theirs)
  return times
}

function report(times: ReadonlyMap<Contender, readonly number[]>): void {
  const minimum = (values: readonly number[]): number => Math.min(...values)
  const median = (values: readonly number[]): number =>
    values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
  const ours = new Map([...times].filter(([{ name }]) => name === OURS).map(([{ work }, values]) => [work, values]))
  console.log('work     contender                  min ms  median ms   ratio of minima   ratio of medians (1 = ours)')
  for (const [{ work, name }, values] of times) {
    const own = ours.get(work) ?? []
    const ratio = (of: (values: readonly number[]) => number): string => (of(values) / of(own)).toFixed(2)
    console.log(
      work.padEnd(8),
      name.padEnd(24),
      minimum(values).toFixed(0).padStart(8),
      median(values).toFixed(0).padStart(10),
      ratio(minimum).padStart(17),
      ratio(median).padStart(18),
    )
  }
}

try {
  if (process.getuid?.() !== 0) throw new Error('needs root')
  if (!existsSync(layer)) throw new Error(`there is no ${layer}`)
  report(await measure(contenders()))
  console.log(`load ${readFileSync('/proc/loadavg', 'utf8').trim()}`)
} finally {
  rmSync(base, { recursive: true, force: true })
}
