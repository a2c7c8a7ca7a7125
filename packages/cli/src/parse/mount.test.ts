import assert from 'node:assert/strict'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { MountKind } from '@caisson/api/container'
import { parseMount, parseTmpfs, parseVolume } from './mount.ts'

test('tells host paths, volumes and anonymous volumes apart', () => {
  assert.deepEqual(parseVolume('/a:/b'), { kind: MountKind.BIND, source: '/a', target: '/b', createSource: true })
  assert.deepEqual(parseVolume('./x:/b/'), {
    kind: MountKind.BIND,
    source: resolve('x'),
    target: '/b',
    createSource: true,
  })
  assert.deepEqual(parseVolume('~/x:/b'), {
    kind: MountKind.BIND,
    source: `${homedir()}/x`,
    target: '/b',
    createSource: true,
  })
  assert.deepEqual(parseVolume('data:/b'), { kind: MountKind.VOLUME, source: 'data', target: '/b' })
  assert.deepEqual(parseVolume('/b'), { kind: MountKind.VOLUME, target: '/b' })
})

test('reads the options of a volume', () => {
  assert.deepEqual(parseVolume('/a:/b:ro,rslave'), {
    kind: MountKind.BIND,
    source: '/a',
    target: '/b',
    createSource: true,
    readOnly: true,
    propagation: 'rslave',
  })
  assert.deepEqual(parseVolume('v:/b:nocopy'), { kind: MountKind.VOLUME, source: 'v', target: '/b', noCopy: true })
})

test('reads what a new volume of a mount is like', () => {
  assert.deepEqual(
    parseMount('src=v,dst=/b,volume-driver=tmpfs,volume-opt=size=1m,volume-opt=mode=700,volume-subpath=a/b'),
    {
      kind: MountKind.VOLUME,
      source: 'v',
      target: '/b',
      driver: 'tmpfs',
      driverOptions: { size: '1m', mode: '700' },
      subpath: 'a/b',
    },
  )
  assert.throws(() => parseMount('src=v,dst=/b,volume-opt=size'), /NAME=value/)
})

test('refuses volumes that cannot be meant', () => {
  for (const text of ['', 'b', 'a:b', '/a:b', '/a:/b:ro:x', '/a:/b:fast', '../:', '-x:/b', 'a/b:/c', ':/b'])
    assert.throws(() => parseVolume(text), /^CaissonError: --volume: /, text)
})

test('reads tmpfs options and hands unknown ones on', () => {
  assert.deepEqual(parseTmpfs('/run'), { kind: MountKind.TMPFS, target: '/run' })
  assert.deepEqual(parseTmpfs('/run:size=64m,mode=1777,noexec,ro'), {
    kind: MountKind.TMPFS,
    target: '/run',
    sizeBytes: 67_108_864,
    mode: 0o1777,
    options: ['noexec'],
    readOnly: true,
  })
  assert.throws(() => parseTmpfs('run'), /absolute path/)
  assert.throws(() => parseTmpfs('/run:mode=999'), /is not a mode/)
})

test('reads mounts by key, with the usual other names of keys', () => {
  assert.deepEqual(parseMount('type=bind,src=/a,dst=/b,ro'), {
    kind: MountKind.BIND,
    source: '/a',
    target: '/b',
    readOnly: true,
  })
  assert.deepEqual(parseMount('type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=700'), {
    kind: MountKind.TMPFS,
    target: '/t',
    sizeBytes: 1_048_576,
    mode: 0o700,
  })
  assert.deepEqual(parseMount('source=v,target=/t,volume-label=a=b,readonly=false'), {
    kind: MountKind.VOLUME,
    source: 'v',
    target: '/t',
    labels: { a: 'b' },
    readOnly: false,
  })
})

test('refuses mounts with what is unknown or missing, and says what there is', () => {
  assert.throws(() => parseMount('type=bind,source=/a'), /has no target=/)
  assert.throws(() => parseMount('type=bind,target=/a'), /has no source=/)
  assert.throws(() => parseMount('type=nfs,target=/a'), /there are bind, volume, tmpfs, image/)
  assert.throws(() => parseMount('type=bind,source=/a,target=/b,speed=9'), /the unknown key 'speed'/)
  assert.throws(() => parseMount('type=tmpfs,source=/a,target=/b'), /which a tmpfs cannot have/)
  assert.throws(() => parseMount('type=bind,source=/a,target=/b,readonly=maybe'), /true or false/)
})
