import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type TarEntry, tar } from '@caisson/testkit'

const OCI = 'application/vnd.oci.image'

export interface BenchImageSize {
  readonly layers: number
  readonly files: number
  readonly bytes: number
}

/** The same image whenever it is made: small files of text and noise, as an OCI layout with gzip layers, tagged `bench`. */
export function writeBenchImage(layout: string, { layers, files, bytes }: BenchImageSize): string[] {
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true })
  const numbers = randomNumbers(1)
  const pool = makePool(randomNumbers(7))
  const made = Array.from({ length: layers }, (_, at) => {
    const plain = tar(layerEntries(`layer${at}`, files / layers, bytes / files, pool, numbers))
    const blob = gzipSync(plain, { level: 6 })
    return { diffId: `sha256:${sha256(plain)}`, ...writeBlob(layout, `${OCI}.layer.v1.tar+gzip`, blob) }
  })
  const config = {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: made.map(({ diffId }) => diffId) },
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: writeJson(layout, `${OCI}.config.v1+json`, config),
    layers: made.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  }
  const listed = writeJson(layout, manifest.mediaType, manifest)
  const annotations = { 'org.opencontainers.image.ref.name': 'bench' }
  writeFileSync(
    join(layout, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...listed, annotations }] }),
  )
  writeFileSync(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  return made.map(({ digest }) => join(layout, 'blobs/sha256', digest.replace('sha256:', '')))
}

/** Fifty files in a directory; a tenth of them hold half of the bytes. */
function layerEntries(name: string, files: number, meanSize: number, pool: Buffer, random: Random): TarEntry[] {
  const entries: TarEntry[] = [{ path: `${name}/`, type: 'directory' }]
  for (let at = 0; at < files; at++) {
    const dir = `${name}/d${Math.floor(at / 50)}`
    if (at % 50 === 0) entries.push({ path: `${dir}/`, type: 'directory' })
    const size = Math.floor(meanSize * (at % 10 === 0 ? 5 : 5 / 9) * (0.5 + random(1_000) / 1_000))
    const start = random(pool.length - size)
    entries.push({ path: `${dir}/file${at}`, content: pool.subarray(start, start + size) })
  }
  return entries
}

/** A whole number from 0 to below. */
type Random = (below: number) => number

function randomNumbers(seed: number): Random {
  let state = seed
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

/** Compresses to about a third, as programs and texts do. */
function makePool(random: Random): Buffer {
  const pool = Buffer.alloc(8 << 20)
  const words = Array.from(
    { length: 500 },
    () =>
      `${random(2 ** 31)
        .toString(36)
        .slice(0, 2 + random(5))} `,
  )
  for (let at = 0; at < pool.length; ) {
    const noise = random(5) === 0 ? String.fromCharCode(random(256), random(256), random(256)) : ''
    at += pool.write(`${words[random(words.length)]}${noise}`, at, 'latin1')
  }
  return pool
}

function writeJson(layout: string, mediaType: string, value: object) {
  return writeBlob(layout, mediaType, Buffer.from(JSON.stringify(value)))
}

function writeBlob(layout: string, mediaType: string, bytes: Buffer) {
  writeFileSync(join(layout, 'blobs/sha256', sha256(bytes)), bytes)
  return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
