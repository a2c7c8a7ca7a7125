import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { busyboxRootfs, CaissonCommand, inNamespaces, needsBusybox } from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox()
let caisson: CaissonCommand
let dir: string

/** The output of a command that has to go well. */
const good = (...args: string[]): string => caisson.done(args)

before(() => {
  if (skip) return
  dir = mkdtempSync(join(tmpdir(), 'csn-cli-files-'))
  caisson = new CaissonCommand()
  good('up', '-d')
  const imported = caisson.run(['import', '-c', 'LABEL kind=test', '-m', 'made here', '-', 'busybox'], busyboxRootfs())
  assert.equal(imported.code, 0, imported.err)
})

after(() => {
  if (skip) return
  good('down')
  for (const one of [caisson.root, dir]) rmSync(one, { recursive: true, force: true })
})

test('saves to a file that is there only when it is whole, and loads it again', { skip }, () => {
  const file = join(dir, 'busybox.tar')
  assert.equal(good('save', '-o', file, 'busybox'), '')
  const before = JSON.parse(good('inspect', 'busybox'))[0]
  good('image', 'rm', 'busybox')
  assert.equal(good('load', '-i', file), 'loaded docker.io/library/busybox:latest\n')
  const after = JSON.parse(good('inspect', 'busybox'))[0]
  assert.deepEqual([after.id, after.digest], [before.id, before.digest])

  const piped = caisson.run(['image', 'save', 'busybox'])
  assert.deepEqual([piped.code, piped.err], [0, ''])
  assert.ok(piped.bytes.equals(readFileSync(file)))
  assert.equal(caisson.run(['load'], piped.bytes).code, 0)

  const missing = caisson.run(['save', '-o', join(dir, 'none.tar'), 'busybox', 'missing'])
  assert.equal(missing.code, 125)
  assert.match(missing.err, /missing/)
  assert.deepEqual(readdirSync(dir), ['busybox.tar'])
  assert.match(caisson.run(['save', '-o', '/proc/none/x.tar', 'busybox']).err, /cannot write \/proc\/none\/x\.tar/)
  const platform = caisson.run(['save', '--platform', 'linux/s390x', 'busybox'])
  assert.deepEqual([platform.code, platform.out], [125, ''])
})

test('does not write an archive to a terminal', { skip }, () => {
  const { code, out } = caisson.onTerminal(['save', 'busybox'], [])
  assert.equal(code, 125)
  assert.match(out, /name a file with -o/)
})

test('says when loading moves a name', { skip }, () => {
  const file = join(dir, 'moving.tar')
  good('tag', 'busybox', 'moving')
  good('save', '-o', file, 'moving')
  const before = JSON.parse(good('inspect', 'moving'))[0].digest
  assert.equal(
    caisson.run(['import', '-', 'moving'], busyboxRootfs()).err,
    `the name docker.io/library/moving:latest meant ${before} before\n`,
  )
  assert.match(
    caisson.run(['load', '-i', file]).err,
    /^the name docker\.io\/library\/moving:latest meant sha256:\S+ before\n$/,
  )
  good('image', 'rm', 'moving')
  rmSync(file)
})

test('shows the history of an image as a table, as ids and as JSON', { skip }, () => {
  const table = good('history', 'busybox')
  assert.match(table, /^IMAGE +CREATED +CREATED BY +SIZE +COMMENT\n/)
  assert.match(table, /\n[0-9a-f]{12} .* caisson import +[0-9.]+[kM]B +made here\n$/)
  const [{ id }] = JSON.parse(good('inspect', 'busybox'))
  assert.equal(good('history', '-q', '--no-trunc', 'busybox'), `${id}\n`)
  const [step] = JSON.parse(good('history', '--format', 'json', 'busybox'))
  assert.deepEqual([step.id, step.createdBy, step.comment], [id, 'caisson import', 'made here'])
  assert.ok(step.size > 0)
})

test("inspects images in our form and in Docker's", { skip }, () => {
  const [own] = JSON.parse(good('image', 'inspect', 'busybox'))
  const [docker] = JSON.parse(good('image', 'inspect', '--docker', 'busybox'))
  assert.equal(docker.Id, own.id)
  assert.deepEqual(docker.RepoTags, ['busybox:latest'])
  assert.deepEqual(docker.RepoDigests, [`busybox@${own.digest}`])
  assert.deepEqual(docker.RootFS, { Type: 'layers', Layers: [own.layers[0].diffId] })
  assert.deepEqual(docker.Config.Labels, { kind: 'test' })
  const { code, out, err } = caisson.run(['image', 'inspect', 'busybox', 'missing'])
  assert.equal(code, 125)
  assert.equal(JSON.parse(out).length, 1)
  assert.match(err, /missing/)
})

test('lists images by age, and with what is theirs alone', { skip }, () => {
  assert.equal(good('images', '-q', '--filter', 'until=1h'), '')
  assert.match(good('image', 'ls', '-a', '--filter', 'until=0s'), /busybox +latest/)
  assert.match(good('images', '--unique', '--digests', '--no-trunc'), /DIGEST +IMAGE ID +CREATED +SIZE +UNIQUE SIZE\n/)
  assert.match(caisson.run(['images', '--filter', 'until=soon']).err, /'soon' is not a time/)
})

test('prunes after asking, or when it is told to', { skip }, () => {
  const imported = caisson.run(['import', '-'], busyboxRootfs([{ path: 'only', content: 'here' }]))
  const id = imported.out.trim()
  const refused = caisson.run(['image', 'prune'])
  assert.equal(refused.code, 125)
  assert.match(refused.err, /say yes with --force/)
  const dry = JSON.parse(good('image', 'prune', '--dry-run', '--format', 'json'))
  assert.ok(dry.deleted.includes(id) && dry.freedBytes > 0)
  assert.equal(
    JSON.parse(good('image', 'prune', '-a', '--dry-run', '--filter', 'label!=kind', '--format', 'json')).untagged
      .length,
    0,
  )
  const no = caisson.onTerminal(['image', 'prune'], [{ wait: 'y/N' }, { type: 'n\r' }])
  assert.equal(no.code, 0)
  assert.match(good('images', '-q', '--no-trunc'), new RegExp(id))
  const yes = caisson.onTerminal(['image', 'prune'], [{ wait: 'y/N' }, { type: 'y\r' }])
  assert.match(yes.out, /freed [0-9.]+[kM]B/)
  assert.doesNotMatch(good('images', '-q', '--no-trunc'), new RegExp(id))
  assert.match(good('image', 'prune', '-f'), /^freed 0B\n$/)
})

test('refuses archives of what is not read, and says so', { skip }, () => {
  const file = join(dir, 'bad.tar')
  writeFileSync(file, Buffer.from(`BZh91AY&SY${'x'.repeat(1_000)}`))
  const { code, err } = caisson.run(['load', '-i', file])
  assert.equal(code, 125)
  assert.match(err, /bzip2 or xz.*use gzip, zstd or none/)
})
