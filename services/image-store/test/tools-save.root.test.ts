import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { busyboxRootfs, debianRootfs, needsBusybox, needsRoot } from '@caisson/testkit'
import { dockerArchive, type ImagePart } from './archives.ts'
import { ImageStoreFixture } from './image-store-fixture.ts'
import { tar } from './tar-writer.ts'

const dir = mkdtempSync(join(tmpdir(), 'csn-images-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const folder = (): string => mkdtempSync(join(dir, 'x-'))
const isThere = (tool: string): boolean => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0
const needs = (...tools: string[]): false | string => {
  const missing = tools.find((tool) => !isThere(tool))
  return needsRoot() || needsBusybox() || (missing === undefined ? false : `needs Debian's package ${missing}`)
}

const skopeo = (...args: string[]): void =>
  void execFileSync('skopeo', ['--insecure-policy', '--tmpdir', dir, 'copy', '--quiet', ...args])

const busybox = (): ImagePart => ({ layers: [{ blob: busyboxRootfs() }], names: ['busybox:made'] })

/** An archive in a file. */
function fileOf(bytes: Uint8Array): string {
  const path = join(folder(), 'archive.tar')
  writeFileSync(path, bytes)
  return path
}

/** An OCI layout that skopeo makes of a docker-archive. */
function layoutOf(archive: string, ...options: string[]): string {
  const layout = folder()
  skopeo(...options, `docker-archive:${archive}`, `oci:${layout}:made`)
  return layout
}

const packed = (layout: string): Buffer => execFileSync('tar', ['-C', layout, '-cf', '-', '.'], { maxBuffer: 1 << 30 })

/** Names of the blobs: their digests. */
const blobsOf = (layout: string): string[] => readdirSync(join(layout, 'blobs/sha256')).sort()

/** Takes a layout through our store and back through skopeo, which checks each digest and may change none. */
async function assertRoundTrip(layout: string, name: string): Promise<void> {
  await using store = await ImageStoreFixture.open()
  await store.load(packed(layout), { reference: name })
  const saved = fileOf(await store.save([name]))
  const back = folder()
  const tag = name.slice(name.lastIndexOf(':') + 1)
  skopeo('--preserve-digests', `oci-archive:${saved}:${tag}`, `oci:${back}:made`)
  assert.deepEqual(blobsOf(back), blobsOf(layout))
  const target = (path: string) => JSON.parse(readFileSync(join(path, 'index.json'), 'utf8')).manifests[0].digest
  assert.equal(target(back), target(layout))
  // The same through its docker-archive: skopeo inflates the layers, the config stays as it is.
  const docker = folder()
  skopeo(`docker-archive:${saved}:${name}`, `dir:${docker}`)
  const manifest = JSON.parse(readFileSync(join(docker, 'manifest.json'), 'utf8'))
  const [image] = (await store.images.list({})).images
  assert.equal(manifest.config.digest, image?.id)
}

test('keeps every digest from skopeo to skopeo: gzip, zstd and plain layers', { skip: needs('skopeo') }, async () => {
  const source = fileOf(dockerArchive([busybox()]))
  for (const format of ['gzip', 'zstd'])
    await assertRoundTrip(layoutOf(source, '--dest-compress', '--dest-compress-format', format), 'busybox:made')
  await assertRoundTrip(layoutOf(source, '--dest-decompress'), 'registry.example:5000/team/busybox:made')
})

test('keeps every digest of an image with 127 layers', { skip: needs('skopeo') }, async () => {
  const layers = Array.from({ length: 126 }, (_, at) => ({ blob: tar([{ path: `layer-${at}`, content: `${at}` }]) }))
  const part = { names: ['many:1'], layers: [{ blob: busyboxRootfs() }, ...layers] }
  await assertRoundTrip(layoutOf(fileOf(dockerArchive([part]))), 'many:1')
})

test('keeps every digest of a Debian with two more layers', { skip: needs('skopeo') }, async (context) => {
  const rootfs = debianRootfs()
  if (rootfs === undefined) return context.skip('needs mmdebstrap and a mirror of Debian')
  const more = [tar([{ path: 'etc/motd', content: 'hello' }]), tar([{ path: 'etc/.wh.issue', content: '' }])]
  const part = { names: ['debian:made'], layers: [readFileSync(rootfs), ...more].map((blob) => ({ blob })) }
  await assertRoundTrip(layoutOf(fileOf(dockerArchive([part]))), 'debian:made')
})

test('keeps the digests of images in a docker-archive that skopeo writes', { skip: needs('skopeo') }, async () => {
  await using store = await ImageStoreFixture.open()
  const layout = layoutOf(fileOf(dockerArchive([busybox()])))
  const archive = join(folder(), 'docker.tar')
  skopeo(`oci:${layout}:made`, `docker-archive:${archive}:busybox:again`)
  const [image] = await store.load(readFileSync(archive))
  await using other = await ImageStoreFixture.open()
  const [again] = await other.load(await store.save(['busybox:again']))
  assert.deepEqual([again?.id, again?.digest, again?.names], [image?.id, image?.digest, image?.names])
})

test('gives podman images that it runs by the same id', { skip: needs('podman') }, async () => {
  await using store = await ImageStoreFixture.open()
  const names = ['localhost/one:1', 'localhost/two:2']
  const images = await store.load(
    dockerArchive([
      { ...busybox(), names: names.slice(0, 1) },
      { layers: [...busybox().layers, { blob: tar([{ path: 'more', content: 'x' }]) }], names: names.slice(1) },
    ]),
  )
  const saved = fileOf(await store.save(names))
  const state = ['--root', folder(), '--runroot', folder(), '--storage-driver', 'vfs']
  const podman = (...args: string[]): string =>
    execFileSync('podman', [...state, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  podman('load', '-i', saved)
  const found = podman('images', '--noheading', '--no-trunc', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}')
  const wanted = images.map(({ id }, at) => `${names[at]} ${id}`)
  assert.deepEqual(found.trim().split('\n').sort(), wanted.sort())
  for (const format of ['docker-archive', 'oci-archive']) {
    const path = join(folder(), 'again.tar')
    podman('save', '--format', format, '-o', path, 'localhost/two:2')
    const [again] = await store.load(readFileSync(path), { reference: `again:${format}` })
    const diffIds = (image = again) => image?.layers.map(({ diffId }) => diffId)
    assert.deepEqual(diffIds(), diffIds(images[1]))
    // Going to OCI podman writes the config anew.
    if (format === 'docker-archive') assert.equal(again?.id, images[1]?.id)
  }
})

test('gives umoci a layout that it unpacks', { skip: needs('umoci') }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.load(dockerArchive([busybox()]))
  const layout = folder()
  execFileSync('tar', ['-C', layout, '-xf', fileOf(await store.save(['busybox:made']))])
  const bundle = join(folder(), 'bundle')
  execFileSync('umoci', ['unpack', '--image', `${layout}:made`, bundle], { stdio: 'ignore' })
  assert.ok(existsSync(join(bundle, 'rootfs/bin/busybox')))
})

test('writes archives that tar and bsdtar list without a complaint', { skip: needs('bsdtar') }, async () => {
  await using store = await ImageStoreFixture.open()
  await store.load(dockerArchive([busybox()]))
  const saved = fileOf(await store.save(['busybox:made']))
  const listOf = (tool: string): string[] => {
    const { stdout, stderr, status } = spawnSync(tool, ['-tf', saved], { encoding: 'utf8' })
    assert.deepEqual([stderr, status], ['', 0])
    return stdout.trim().split('\n')
  }
  const names = listOf('tar')
  assert.deepEqual(listOf('bsdtar'), names)
  assert.deepEqual(names.slice(-4), ['index.json', 'manifest.json', 'oci-layout', 'repositories'])
})
