import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CaissonError } from '@caisson/api'
import { ContainerState } from '@caisson/api/container'
import { ContentDefinition } from '@caisson/api/content'
import type { Image } from '@caisson/api/image'
import { SandboxMode } from '@caisson/api/network'
import { ChangeKind } from '@caisson/api/snapshot'
import { busyboxRootfs, importImage, inNamespaces, needsBusybox, runContainer, TestEngine } from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox()
const none = { network: { mode: SandboxMode.NONE } } as const
let engine: TestEngine

before(async () => {
  if (skip) return
  engine = await TestEngine.start()
  const files = [
    { path: 'opt/', type: 'directory', mode: 0o755 },
    { path: 'opt/kept', content: 'kept' },
    { path: 'opt/gone', content: 'gone' },
    { path: 'dir/', type: 'directory', mode: 0o755 },
    { path: 'dir/inner', content: 'inner' },
  ] as const
  await importImage(engine.images, 'busybox', busyboxRootfs(files), ['CMD ["/bin/sh"]', 'ENV GREETING=hello'])
})

after(() => engine?.[Symbol.asyncDispose]())

/** Runs a script to its end in a container that stays. */
async function ended(script: string, image = 'busybox'): Promise<string> {
  const ran = await runContainer(engine, { image, ...none, autoRemove: false }, ['sh', '-ec', script])
  assert.equal(ran.exit.exitCode, 0, ran.stderr)
  return ran.id
}

/** Everything that can be seen of a few directories from inside. */
const LOOK = `cd /; find opt dir home root tmp | sort | while read -r name; do
  stat -c '%N %f %u:%g %h %Y' "$name"; if [ -f "$name" ]; then md5sum < "$name"; fi; done`

const look = async (image: string): Promise<string> =>
  (await runContainer(engine, { image, ...none }, ['sh', '-c', LOOK])).stdout

const LETTERS = new Map<ChangeKind, string>([
  [ChangeKind.ADDED, 'A'],
  [ChangeKind.MODIFIED, 'C'],
  [ChangeKind.DELETED, 'D'],
])

async function changesOf(container: string): Promise<string[]> {
  const lines: string[] = []
  for await (const { kind, path } of engine.containers.changes({ container }))
    lines.push(`${LETTERS.get(kind)} ${path}`)
  return lines
}

test('an image of a container shows what the container showed', { skip }, async () => {
  const script = `cd /opt; rm gone; echo new > new; chown 1000:2000 new; chmod 4755 new; ln new hard; ln -s new soft
    rm -r /dir; mkdir /dir; echo other > /dir/other; mv kept moved; mkdir -p a/b/c; chmod 1777 a; : > a/b/empty
    touch -d 2001-02-03 moved; ${LOOK}`
  const spec = { image: 'busybox', ...none, autoRemove: false, process: { env: ['EXTRA=1'] }, labels: { of: 'it' } }
  const ran = await runContainer(engine, spec, ['sh', '-ec', script])
  assert.equal(ran.exit.exitCode, 0, ran.stderr)
  const { imageId, reference } = await engine.containers.commit({
    ...{ container: ran.id, reference: 'made:1', comment: 'remark', author: 'author', changes: ['LABEL made=yes'] },
  })
  assert.equal(reference, 'docker.io/library/made:1')
  assert.equal(await look('made:1'), ran.stdout)
  const image = await engine.images.get({ image: imageId })
  assert.deepEqual(image.config?.env, ['GREETING=hello', 'EXTRA=1'])
  assert.deepEqual([image.config?.cmd, image.config?.labels], [['sh', '-ec', script], { of: 'it', made: 'yes' }])
  assert.match(image.history.at(-1)?.createdBy ?? '', /^sh -ec cd \/opt/)
  // The container is gone, and the image is not.
  await engine.containers.remove({ container: ran.id })
  assert.equal(await look('made:1'), ran.stdout)
  await readByOthers(image)
})

/** skopeo and umoci read the image from a layout made of its blobs. */
async function readByOthers(image: Image): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'csn-layout-'))
  try {
    const blobs = join(dir, 'layout', 'blobs', 'sha256')
    mkdirSync(blobs, { recursive: true })
    const content = engine.channel('image-store').client(ContentDefinition)
    for (const digest of [image.id, image.digest, ...image.layers.map((layer) => layer.digest)]) {
      const parts: Buffer[] = []
      for await (const { chunk } of content.read({ digest })) parts.push(chunk)
      writeFileSync(join(blobs, digest.slice('sha256:'.length)), Buffer.concat(parts))
    }
    const { manifest } = image
    const descriptor = { mediaType: manifest?.mediaType, digest: manifest?.digest, size: manifest?.size }
    const annotations = { 'org.opencontainers.image.ref.name': 'made' }
    const index = { schemaVersion: 2, manifests: [{ ...descriptor, annotations }] }
    writeFileSync(join(dir, 'layout', 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    writeFileSync(join(dir, 'layout', 'index.json'), JSON.stringify(index))
    for (const [program, ...args] of [
      ['skopeo', 'copy', '--insecure-policy', 'oci:layout:made', 'docker-archive:archive.tar:made:1'],
      ['umoci', 'unpack', '--image', 'layout:made', 'bundle'],
    ] as const) {
      const ran = spawnSync(program, args, { cwd: dir, encoding: 'utf8' })
      assert.equal(ran.status, 0, `${program}: ${ran.stderr}${String(ran.error ?? '')}`)
    }
    const listed = spawnSync('sh', ['-c', 'cd bundle/rootfs; find opt dir | sort'], {
      cwd: dir,
      encoding: 'utf8',
    }).stdout
    assert.deepEqual(listed.trim().split('\n'), [
      ...[
        'dir',
        'dir/other',
        'opt',
        'opt/a',
        'opt/a/b',
        'opt/a/b/c',
        'opt/a/b/empty',
        'opt/hard',
        'opt/moved',
        'opt/new',
      ],
      'opt/soft',
    ])
  } finally {
    rmSync(dir, { recursive: true })
  }
}

test('the changes of a container are what it did', { skip }, async () => {
  const id = await ended('echo x > /opt/kept; rm /opt/gone; echo n > /opt/new; rm -r /dir')
  assert.deepEqual(await changesOf(id), ['D /dir', 'C /opt', 'D /opt/gone', 'C /opt/kept', 'A /opt/new'])
  await engine.containers.remove({ container: id })
})

test('a container that writes is paused for its image, and goes on', { skip }, async () => {
  const script =
    'i=0; while :; do i=$((i + 1)); echo $i > /opt/first; echo $i > /opt/second; [ $i = 50 ] && echo ready; done'
  const process = { cmd: { values: ['sh', '-c', script] } }
  const { id } = await engine.containers.create({ spec: { image: 'busybox', ...none, process } })
  await engine.containers.start({ container: id })
  for await (const { item } of engine.containers.logs({ container: id, follow: true }))
    if (item?.$case === 'output') break
  for (let round = 1; round <= 3; round++) {
    await engine.containers.commit({ container: id, reference: `live:${round}` })
    assert.equal((await engine.containers.get({ container: id })).state, ContainerState.RUNNING)
    const { stdout } = await runContainer(engine, { image: `live:${round}`, ...none }, [
      ...['sh', '-c', 'cat /opt/first /opt/second'],
    ])
    // A file may just have been cut to nothing; what is in them are whole numbers that belong together.
    const [first = '', second = first] = stdout.trim().split('\n')
    if (first !== '') assert.ok(Number(first) - Number(second) <= 1, stdout)
  }
  await engine.containers.commit({ container: id, reference: 'live:torn', pause: false })
  await engine.containers.remove({ container: id, force: true })
})

test('a name that readers would take for a whiteout is refused', { skip }, async () => {
  const id = await ended('mkdir /opt/d; : > /opt/d/.wh.kept')
  await assert.rejects(
    engine.containers.commit({ container: id, reference: 'bad' }),
    (error) =>
      error instanceof CaissonError && error.reason === 'UNSAFE_CONTENT' && /opt\/d\/\.wh\.kept/.test(error.message),
  )
  await assert.rejects(engine.images.get({ image: 'bad' }), { code: 'not-found' })
  await engine.containers.remove({ container: id })
})

test('a container with a read-only root has no image', { skip }, async () => {
  const { id } = await engine.containers.create({ spec: { image: 'busybox', ...none, readOnlyRoot: true } })
  await assert.rejects(engine.containers.commit({ container: id }), { reason: 'ROOT_READ_ONLY' })
})
