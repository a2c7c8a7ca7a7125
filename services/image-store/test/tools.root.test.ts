import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { busyboxRootfs, needsBusybox, needsRoot } from '@caisson/testkit'
import { dockerArchive } from './archives.ts'
import { ImageStoreFixture } from './image-store-fixture.ts'

const dir = mkdtempSync(join(tmpdir(), 'csn-images-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const isThere = (tool: string): boolean => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0
const needs = (tool: string): false | string =>
  needsRoot() || needsBusybox() || (isThere(tool) ? false : `needs Debian's package ${tool}`)

/** A busybox image as a docker-archive in a file. */
const source = (): string => {
  const path = join(dir, 'source.tar')
  writeFileSync(path, dockerArchive([{ layers: [{ blob: busyboxRootfs() }], names: ['busybox:made'] }]))
  return path
}

const skopeo = (...args: string[]): void =>
  void execFileSync('skopeo', ['--insecure-policy', '--tmpdir', dir, 'copy', '--quiet', ...args])

/** An OCI layout that skopeo writes, as a tar. */
function layoutOf(from: string, name: string, ...options: string[]): Buffer {
  const layout = mkdtempSync(join(dir, 'layout-'))
  skopeo(...options, from, `oci:${layout}:${name}`)
  return execFileSync('tar', ['-C', layout, '-cf', '-', '.'], { maxBuffer: 1 << 28 })
}

test('loads what skopeo writes: OCI layouts with gzip, zstd and plain layers', { skip: needs('skopeo') }, async () => {
  await using store = await ImageStoreFixture.open()
  const from = `docker-archive:${source()}`
  const [gzip] = await store.load(layoutOf(from, 'busybox:gzip', '--dest-compress-format', 'gzip', '--dest-compress'))
  const [zstd] = await store.load(layoutOf(from, 'busybox:zstd', '--dest-compress-format', 'zstd', '--dest-compress'))
  const [plain] = await store.load(readFileSync(source()))
  assert.match(gzip?.layers[0]?.mediaType ?? '', /\+gzip$/)
  assert.match(zstd?.layers[0]?.mediaType ?? '', /\+zstd$/)
  assert.deepEqual(plain?.names, ['docker.io/library/busybox:made'])
  assert.equal(new Set([gzip, zstd, plain].map((image) => image?.layers[0]?.diffId)).size, 1)
  const { mount } = await store.snapshots.prepare({ key: 'c', base: { $case: 'image', value: 'busybox:zstd' } })
  const [lower = ''] = mount?.lowerDirs ?? []
  assert.equal(execFileSync('chroot', [lower, '/bin/busybox', 'echo', 'ran']).toString(), 'ran\n')
})

test('loads the docker-archive that skopeo writes of an OCI layout', { skip: needs('skopeo') }, async () => {
  await using store = await ImageStoreFixture.open()
  const layout = mkdtempSync(join(dir, 'layout-'))
  skopeo(`docker-archive:${source()}`, `oci:${layout}:made`)
  skopeo(`oci:${layout}:made`, `docker-archive:${join(dir, 'again.tar')}:busybox:again`)
  const [image] = await store.load(readFileSync(join(dir, 'again.tar')))
  assert.deepEqual(image?.names, ['docker.io/library/busybox:again'])
  assert.deepEqual(image?.config?.cmd, ['/bin/sh'])
})

test('loads what umoci made, with a layer that hides a file', { skip: needs('umoci') }, async () => {
  await using store = await ImageStoreFixture.open()
  const layout = mkdtempSync(join(dir, 'layout-'))
  skopeo(`docker-archive:${source()}`, `oci:${layout}:made`)
  const bundle = join(dir, 'bundle')
  execFileSync('umoci', ['unpack', '--image', `${layout}:made`, bundle], { stdio: 'ignore' })
  rmSync(join(bundle, 'rootfs/etc/group'))
  writeFileSync(join(bundle, 'rootfs/etc/hello'), 'hello\n')
  execFileSync('umoci', ['repack', '--image', `${layout}:changed`, bundle], { stdio: 'ignore' })
  const archive = execFileSync('tar', ['-C', layout, '-cf', '-', '.'], { maxBuffer: 1 << 28 })
  const images = await store.load(archive)
  const changed = images.find(({ layers }) => layers.length === 2)
  assert.ok(changed)
  const { mount } = await store.snapshots.prepare({ key: 'c', base: { $case: 'image', value: changed.id } })
  const merged = mkdtempSync(join(dir, 'merged-'))
  const [lower, upper, work] = [mount?.lowerDirs.join(':'), mount?.upperDir, mount?.workDir]
  execFileSync('mount', [
    '-t',
    'overlay',
    'overlay',
    '-o',
    `lowerdir=${lower},upperdir=${upper},workdir=${work}`,
    merged,
  ])
  try {
    assert.equal(readFileSync(join(merged, 'etc/hello'), 'utf8'), 'hello\n')
    assert.match(readFileSync(join(merged, 'etc/passwd'), 'utf8'), /root/)
    assert.throws(() => readFileSync(join(merged, 'etc/group')), { code: 'ENOENT' })
  } finally {
    execFileSync('umount', [merged])
  }
})

test('loads what podman saves, in both forms', { skip: needs('podman') }, async () => {
  await using store = await ImageStoreFixture.open()
  const state = ['--root', join(dir, 'podman'), '--runroot', join(dir, 'podman-run'), '--storage-driver', 'vfs']
  const podman = (...args: string[]): void => void execFileSync('podman', [...state, ...args], { stdio: 'ignore' })
  podman('load', '-i', source())
  const images = execFileSync('podman', [...state, 'images', '--noheading', '--format', '{{.Repository}}:{{.Tag}}'])
  const name = images.toString().trim()
  for (const format of ['docker-archive', 'oci-archive']) {
    const path = join(dir, `${format}.tar`)
    podman('save', '--format', format, '-o', path, name)
    const [image] = await store.load(readFileSync(path), { reference: `podman:${format}` })
    assert.deepEqual(image?.config?.cmd, ['/bin/sh'])
    assert.ok(image?.names.includes(name) || image?.names.includes(`docker.io/library/podman:${format}`))
  }
})
