import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { LINUX_NAMESPACE_TYPES } from '@caisson/oci'
import { placeContainer } from '../cgroup/index.ts'
import { compileSeccomp } from '../seccomp/compile.ts'
import { DEFAULT_SECCOMP_PROFILE } from '../seccomp/default-profile.ts'
import { execRecords, type LaunchSettings, launchRecords } from './from-spec.ts'
import { encodePlan } from './plan-encode.ts'
import { hybridHost, ordinarySpec, unifiedHost } from './spec.fixture.ts'

/** The monitor's own reader takes the plans that are written here. */

const native = new URL('../../native/', import.meta.url).pathname
const sources = ['test/probe/plan_probe.c', 'src/decode.c', 'src/check.c', 'src/check_plan.c', 'src/error.c'].map(
  (file) => native + file,
)
const isReady = spawnSync('cc', ['--version']).status === 0 && sources.every((file) => existsSync(file))
const skip = isReady ? false : 'needs a C compiler and the native reader'

let folder = ''
before(() => {
  if (skip !== false) return
  folder = mkdtempSync(join(tmpdir(), 'caisson-plan-'))
  const flags = ['-std=c11', '-D_GNU_SOURCE', '-g', '-iquote', `${native}src`]
  const built = spawnSync('cc', [...flags, '-o', join(folder, 'probe'), ...sources], { encoding: 'utf8' })
  assert.equal(built.status, 0, built.stderr)
})
after(() => {
  if (folder !== '') rmSync(folder, { recursive: true })
})

const complaint = (plan: Uint8Array): string => {
  const asked = spawnSync(join(folder, 'probe'), { input: plan, encoding: 'utf8' })
  assert.ok(asked.status === 0 || asked.status === 1, asked.stderr)
  return asked.stdout
}

const root = { kind: 'overlay', lowerDirs: ['/l/2', '/l/1'], upperDir: '/u/up', workDir: '/u/work' } as const

test('reads the plans of containers on hosts of both kinds', { skip }, () => {
  for (const host of [hybridHost, unifiedHost]) {
    const settings: LaunchSettings = {
      root,
      cgroup: { host, placement: placeContainer(host, 'id') },
      log: { segmentBytes: 1 << 20, segments: 5 },
      seccomp: compileSeccomp(DEFAULT_SECCOMP_PROFILE, {
        architecture: 'SCMP_ARCH_X86_64',
        capabilities: new Set(),
        kernel: [6, 18],
      }),
      stdin: 'once',
      user: 'nobody',
      groups: ['audio'],
      hasInit: true,
      hasBarrier: true,
      clampsRlimits: true,
      makesWorkingDir: true,
    }
    assert.equal(complaint(encodePlan(launchRecords(ordinarySpec, settings))), '')
    const bound = { ...settings, root: { kind: 'bind', path: '/r' } as const }
    assert.equal(complaint(encodePlan(launchRecords(ordinarySpec, bound))), '')
  }
})

test('reads the plan of an exec', { skip }, () => {
  const namespaces = LINUX_NAMESPACE_TYPES.map((type) => ({ type }))
  const placement = placeContainer(hybridHost, 'id')
  const records = execRecords(ordinarySpec.process, { target: { pid: 7, startTime: 1n, namespaces }, placement })
  assert.equal(complaint(encodePlan(records)), '')
})

test('is not read when a byte is missing, added or turned', { skip }, () => {
  const settings = { root, cgroup: { host: unifiedHost, placement: placeContainer(unifiedHost, 'id') } }
  const plan = encodePlan(launchRecords(ordinarySpec, settings))
  assert.notEqual(complaint(plan.subarray(0, -8)), '')
  assert.notEqual(complaint(Buffer.concat([plan, Buffer.alloc(8)])), '')
  const other = Uint8Array.from(plan)
  other[4] = 2
  assert.notEqual(complaint(other), '')
})
