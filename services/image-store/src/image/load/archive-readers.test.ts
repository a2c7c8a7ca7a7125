import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { CaissonError } from '@caisson/api'
import { digestOf, OciFormatError } from '@caisson/oci'
import fc from 'fast-check'
import { configOf, digest, dockerArchiveEntries, LayoutWriter, named } from '../../../test/archives.ts'
import { type TarEntry, tar } from '../../../test/tar-writer.ts'
import type { StagingDir } from '../../disk/staging.ts'
import type { ImageSource } from '../intake.ts'
import { Archive } from './archive.ts'
import { addListed, readDockerArchive } from './docker-archive.ts'
import { readLegacyArchive } from './legacy-archive.ts'
import { readOciLayout } from './oci-layout.ts'

const LAYER = tar([{ path: 'file', content: 'text' }])
const PART = { layers: [{ blob: LAYER }], names: ['a:1'] }
const LIMITS = { maxArchiveBytes: 1 << 24, maxArchiveEntries: 100, maxManifestBytes: 1 << 20, maxIndexDepth: 4 }
const SOME_ID = 'a'.repeat(64)

function stagingDir(): StagingDir {
  const path = mkdtempSync(join(tmpdir(), 'csn-archive-'))
  const at = (name: string): string => join(path, name)
  return { path, at, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

/** Hashes as the helper does. */
const tool = {
  digest: async (path: string) => {
    const bytes = readFileSync(path)
    return { digest: digestOf(bytes), size: bytes.length }
  },
}

async function* stream(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

type Reader = (archive: Archive) => Promise<ImageSource[]>
const docker = { ...LIMITS, tool, signal: AbortSignal.timeout(600_000) }
const layout = { ...LIMITS, platforms: 'all' as const }

async function read(entries: readonly TarEntry[], reader: Reader): Promise<ImageSource[]> {
  using staging = stagingDir()
  return await reader(await Archive.read(stream(tar(entries)), staging, LIMITS, () => {}))
}

/** Documents with some members replaced by anything: what is left is often nearly right. */
function nearly(document: object, words: readonly unknown[]): fc.Arbitrary<unknown> {
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(...words))
  const change = (part: unknown): fc.Arbitrary<unknown> => {
    if (Array.isArray(part))
      return fc.oneof({ weight: 4, arbitrary: fc.tuple(...part.map(change)) }, { weight: 1, arbitrary: value })
    if (typeof part !== 'object' || part === null)
      return fc.oneof({ weight: 6, arbitrary: fc.constant(part) }, { weight: 1, arbitrary: value })
    const members = Object.fromEntries(Object.entries(part).map(([name, member]) => [name, change(member)]))
    return fc.oneof({ weight: 6, arbitrary: fc.record(members, { requiredKeys: [] }) }, { weight: 1, arbitrary: value })
  }
  return change(document)
}

const never = new AbortController().signal

async function assertTyped(
  entries: readonly TarEntry[],
  name: string,
  document: unknown,
  reader: Reader,
): Promise<void> {
  const changed = [...entries.filter(({ path }) => path !== name), { path: name, content: JSON.stringify(document) }]
  try {
    for (const { manifest, layerFile } of await read(changed, reader))
      for (const layer of manifest.layers) await layerFile(layer.digest, never)
  } catch (error) {
    assert.ok(error instanceof CaissonError || error instanceof OciFormatError, String(error))
  }
}

const contentOf = (entries: readonly TarEntry[], name: string): object =>
  JSON.parse(String(entries.find(({ path }) => path === name)?.content))

const WORDS = ['../x', '', 'a:1', 'A B', SOME_ID, `sha256:${SOME_ID}`, -1, 2 ** 53, null, [], {}]

test('reads of any index.json what it can, and fails with typed errors only', async () => {
  const writer = new LayoutWriter()
  const image = writer.image(PART, named('a.example/a:1'))
  const entries = writer.entries([image, writer.index([image], named('b.example/b:1'))])
  const words = [
    ...WORDS,
    image.digest,
    digest(configOf(PART)),
    image.mediaType,
    'application/vnd.oci.image.index.v1+json',
  ]
  const document = nearly(contentOf(entries, 'index.json'), words)
  const property = fc.asyncProperty(document, (json) =>
    assertTyped(entries, 'index.json', json, (archive) => readOciLayout(archive, layout)),
  )
  await fc.assert(property, { numRuns: 300 })
})

test('reads of any manifest.json what it can, alone and beside a layout', async () => {
  const entries = dockerArchiveEntries([PART, { layers: [], names: ['b:1'] }])
  const paths = entries.map(({ path }) => path)
  const document = nearly(contentOf(entries, 'manifest.json'), [...WORDS, ...paths])
  const readers: Reader[] = [
    (archive) => readDockerArchive(archive, docker),
    (archive) => addListed([], archive, docker),
  ]
  const property = fc.asyncProperty(document, fc.constantFrom(...readers), (json, reader) =>
    assertTyped(entries, 'manifest.json', json, reader),
  )
  await fc.assert(property, { numRuns: 300 })
})

test('reads of any layer description of an oldest archive what it can', async () => {
  const json = {
    id: SOME_ID,
    parent: '',
    created: '2015-01-02T03:04:05Z',
    config: { Cmd: ['x'] },
    container_config: {},
  }
  const entries: TarEntry[] = [
    { path: `${SOME_ID}/layer.tar`, content: LAYER },
    { path: `${SOME_ID}/json`, content: JSON.stringify(json) },
    { path: 'repositories', content: JSON.stringify({ old: { 1: SOME_ID } }) },
  ]
  const reader: Reader = (archive) => readLegacyArchive(archive, docker)
  assert.equal((await read(entries, reader)).length, 1)
  const files = fc.oneof(
    fc.tuple(fc.constant(`${SOME_ID}/json`), nearly(json, WORDS)),
    fc.tuple(fc.constant('repositories'), nearly({ old: { 1: SOME_ID } }, WORDS)),
  )
  const property = fc.asyncProperty(files, ([name, document]) => assertTyped(entries, name, document, reader))
  await fc.assert(property, { numRuns: 300 })
})
