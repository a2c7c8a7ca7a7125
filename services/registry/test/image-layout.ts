import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** An image of one empty layer, as an OCI layout. */
export function imageLayout(dir: string): string {
  const blobs = join(dir, 'layout/blobs/sha256')
  mkdirSync(blobs, { recursive: true })
  const add = (bytes: Buffer, mediaType: string) => {
    const hex = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(blobs, hex), bytes)
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
  }
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
  const tar = Buffer.alloc(10_240)
  const diffId = `sha256:${createHash('sha256').update(tar).digest('hex')}`
  const type = (name: string): string => `application/vnd.oci.image.${name}`
  const config = { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [diffId] } }
  const manifest = {
    schemaVersion: 2,
    mediaType: type('manifest.v1+json'),
    config: add(json(config), type('config.v1+json')),
    layers: [add(gzipSync(tar), type('layer.v1.tar+gzip'))],
  }
  const entry = {
    ...add(json(manifest), type('manifest.v1+json')),
    annotations: { 'org.opencontainers.image.ref.name': '1' },
  }
  writeFileSync(join(dir, 'layout/index.json'), json({ schemaVersion: 2, manifests: [entry] }))
  writeFileSync(join(dir, 'layout/oci-layout'), json({ imageLayoutVersion: '1.0.0' }))
  return `oci:${join(dir, 'layout')}:1`
}
