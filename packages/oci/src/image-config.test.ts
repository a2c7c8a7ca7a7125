import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mergeCommand } from './command.ts'
import { digestOf } from './digest.ts'
import { mergeEnvironment } from './environment.ts'
import { OciFormatError } from './format-error.ts'
import { checkLayerCount, parseImageConfig } from './image-config.ts'
import { parseManifest } from './manifest.ts'
import { MEDIA_TYPE } from './media-type.ts'

const digest = digestOf('layer')
const rootfs = { type: 'layers', diff_ids: [digest] }
const base = { architecture: 'amd64', os: 'linux', rootfs }
const read = (json: unknown) => parseImageConfig(JSON.stringify(json))
const container = (config: unknown) => read({ ...base, config }).container

test('reads a whole config', () => {
  const image = read({
    ...base,
    variant: 'v2',
    created: '2026-01-01T00:00:00Z',
    author: 'me',
    config: {
      User: 'web:www',
      ExposedPorts: { '80/tcp': {}, '53/udp': {}, '8000-8010': {} },
      Env: ['PATH=/bin', 'EMPTY=', 'A=b=c'],
      Entrypoint: ['/init'],
      Cmd: null,
      Volumes: { '/data': {}, '/a/../b/': {} },
      WorkingDir: '/srv',
      Labels: { a: 'b', constructor: 'c' },
      StopSignal: 'SIGRTMIN+3',
      StopTimeout: 5,
      Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 1_000_000_000, Retries: 3 },
      Shell: ['/bin/sh', '-c'],
      OnBuild: ['RUN x'],
      SomethingNew: {},
    },
    history: [{ created_by: 'ADD', empty_layer: true }, {}],
  })
  assert.deepEqual(image.platform, { os: 'linux', architecture: 'amd64', variant: 'v2' })
  assert.deepEqual(image.diffIds, [digest])
  assert.deepEqual(image.container, {
    user: 'web:www',
    env: ['PATH=/bin', 'EMPTY=', 'A=b=c'],
    entrypoint: ['/init'],
    cmd: [],
    workingDir: '/srv',
    volumes: ['/data', '/b'],
    exposedPorts: ['80/tcp', '53/udp', '8000-8010/tcp'],
    labels: { a: 'b', constructor: 'c' },
    stopSignal: 'SIGRTMIN+3',
    stopTimeoutSeconds: 5,
    healthcheck: { test: ['CMD-SHELL', 'true'], intervalNs: 1_000_000_000, retries: 3 },
    shell: ['/bin/sh', '-c'],
    onBuild: ['RUN x'],
  })
  assert.deepEqual(image.history, [{ createdBy: 'ADD', isEmptyLayer: true }, { isEmptyLayer: false }])
})

test('gives a bare config its defaults', () => {
  const { container: bare, history } = read(base)
  assert.deepEqual([bare.user, bare.env, bare.cmd, bare.workingDir, bare.stopSignal, history], ['', [], [], '', '', []])
})

test('refuses hostile values', () => {
  const bad: [unknown, RegExp][] = [
    [{ Env: ['NOEQUALS'] }, /NAME=value/],
    [{ Env: ['=x'] }, /NAME=value/],
    [{ Env: ['A=\0'] }, /NUL/],
    [{ Env: [1] }, /not a string/],
    [{ Env: 'A=b' }, /not a list/],
    [{ Cmd: ['x'.repeat(200_000)] }, /200000 characters/],
    [{ WorkingDir: 'srv' }, /absolute/],
    [{ WorkingDir: '/\0' }, /NUL/],
    [{ StopSignal: 'SIGNOPE' }, /no signal/],
    [{ StopSignal: '0' }, /no signal/],
    [{ StopSignal: '65' }, /no signal/],
    [{ Volumes: { '': {} } }, /nothing can be mounted/],
    [{ Volumes: { '/': {} } }, /nothing can be mounted/],
    [{ Volumes: { '/../..': {} } }, /nothing can be mounted/],
    [{ Volumes: { data: {} } }, /nothing can be mounted/],
    [{ ExposedPorts: { '0/tcp': {} } }, /no port/],
    [{ ExposedPorts: { '70000': {} } }, /no port/],
    [{ ExposedPorts: { '9-8/tcp': {} } }, /no port/],
    [{ ExposedPorts: { '80/icmp': {} } }, /no port/],
    [{ User: 'a\nb' }, /line end/],
    [{ StopTimeout: 2 ** 31 }, /StopTimeout/],
    [{ StopTimeout: -1 }, /StopTimeout/],
    [{ Healthcheck: { Test: ['EXEC', 'x'] } }, /none of NONE/],
    [{ Healthcheck: { Test: ['CMD'] } }, /no command/],
    [{ Healthcheck: { Test: [], Interval: -1 } }, /Interval/],
    [{ Healthcheck: { Test: [], Timeout: 5 } }, /at least 1 ms/],
    [{ Labels: { a: 1 } }, /Labels.a/],
    [[], /not an object/],
  ]
  for (const [config, message] of bad) {
    assert.throws(() => container(config), { name: 'OciFormatError', reason: 'IMAGE_CONFIG_INVALID', message })
  }
  assert.throws(() => container({ Cmd: Array(1_000_000).fill('x') }), { reason: 'LIMIT_EXCEEDED' })
  assert.throws(() => read({ ...base, config: { Labels: { a: 'x'.repeat(10 << 20) } } }), { reason: 'JSON_TOO_LARGE' })
  assert.throws(() => read({ ...base, rootfs: { type: 'zip' } }), /not "layers"/)
  assert.throws(() => read({ ...base, rootfs: { diff_ids: ['sha256:x'] } }), /diff_ids\[0\]/)
  assert.throws(() => read({ ...base, rootfs: { diff_ids: Array(501).fill(digest) } }), { reason: 'LIMIT_EXCEEDED' })
  assert.throws(() => read({ ...base, rootfs: undefined }), /rootfs is missing/)
})

test('never fails but by an OciFormatError', () => {
  const keys = [
    'User',
    'Env',
    'Cmd',
    'Entrypoint',
    'Volumes',
    'WorkingDir',
    'Labels',
    'StopSignal',
    'Healthcheck',
    'ExposedPorts',
  ]
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...keys), fc.jsonValue()), (config) => {
      try {
        container(config)
      } catch (error) {
        assert.ok(error instanceof OciFormatError, String(error))
      }
    }),
    { numRuns: 1000 },
  )
})

test('refuses layers and diff ids of different number', () => {
  const layer = { mediaType: MEDIA_TYPE.ociLayer, digest, size: 1 }
  const config = { mediaType: MEDIA_TYPE.ociConfig, digest, size: 1 }
  const manifest = (count: number) => {
    const parsed = parseManifest(JSON.stringify({ schemaVersion: 2, config, layers: Array(count).fill(layer) }))
    assert.ok(parsed.kind === 'manifest')
    return parsed
  }
  checkLayerCount(manifest(1), read(base))
  for (const count of [0, 2])
    assert.throws(() => checkLayerCount(manifest(count), read(base)), /do not belong together/)
})

test('puts image and request together by the rules of Docker', () => {
  const image = container({
    Entrypoint: ['e'],
    Cmd: ['c'],
    Env: ['PATH=/x', 'A=1'],
    User: 'u',
    WorkingDir: '/w',
    StopSignal: 'INT',
  })
  const args = (overrides: Parameters<typeof mergeCommand>[1]) => mergeCommand(image, overrides).args
  assert.deepEqual(args({}), ['e', 'c'])
  assert.deepEqual(args({ cmd: ['d'] }), ['e', 'd'])
  assert.deepEqual(args({ cmd: [] }), ['e', 'c'])
  assert.deepEqual(args({ entrypoint: ['f'] }), ['f'])
  assert.deepEqual(args({ entrypoint: ['f'], cmd: ['d'] }), ['f', 'd'])
  assert.deepEqual(args({ entrypoint: [] }), ['c'])
  assert.deepEqual(args({ entrypoint: [''], cmd: ['d'] }), ['d'])
  assert.throws(() => args({ entrypoint: [''] }), { reason: 'COMMAND_MISSING' })
  assert.throws(() => mergeCommand(container({})), { reason: 'COMMAND_MISSING' })

  assert.deepEqual(mergeCommand(image), {
    args: ['e', 'c'],
    env: ['PATH=/x', 'A=1'],
    user: 'u',
    workingDir: '/w',
    stopSignal: 2,
  })
  const changed = mergeCommand(image, { env: ['B=2', 'A'], user: '0', workingDir: '/v', stopSignal: '9' })
  assert.deepEqual(changed, { args: ['e', 'c'], env: ['PATH=/x', 'B=2'], user: '0', workingDir: '/v', stopSignal: 9 })
  const bare = mergeCommand(container({ Cmd: ['sh'] }))
  assert.deepEqual([bare.env[0]?.startsWith('PATH='), bare.workingDir, bare.stopSignal], [true, '/', 15])
  assert.throws(() => mergeCommand(image, { workingDir: 'x' }), { reason: 'WORKING_DIR_INVALID' })
})

test('merges environments: later values win at the first place, a bare name takes away', () => {
  assert.deepEqual(mergeEnvironment(['A=1', 'B=2'], ['A=3', 'C=4'], ['B', 'D=']), ['A=3', 'C=4', 'D='])
  assert.deepEqual(mergeEnvironment(['A=1'], ['A'], ['A=2']), ['A=2'])
  assert.deepEqual(mergeEnvironment(['A=b=c']), ['A=b=c'])
})
