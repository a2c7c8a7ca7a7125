import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { after, before, test } from 'node:test'
import { type TestEngine, takes32BitCalls } from '@caisson/testkit'
import { attackEngine, MODES, probe, skip, words } from './attack-fixture.ts'

const { EPERM, ENOSYS } = constants.errno
const AF_ALG = 38
const AF_VSOCK = 40
const AF_PACKET = 17
const AF_NETLINK = 16

/** System calls of x86_64 that a container may not make, with arguments that would otherwise get past the first check. */
const FORBIDDEN: Readonly<Record<string, readonly number[]>> = {
  io_uring_setup: [425, 1, 0],
  io_uring_enter: [426, 0],
  io_uring_register: [427, 0],
  userfaultfd: [323, 0],
  bpf: [321, 0, 0, 0],
  perf_event_open: [298, 0],
  keyctl: [250, 0, -3, 0],
  add_key: [248, 0],
  request_key: [249, 0],
  open_by_handle_at: [304, -100, 0, 0],
  kexec_load: [246, 0],
  kexec_file_load: [320, 0],
  init_module: [175, 0],
  finit_module: [313, 0],
  delete_module: [176, 0],
  mount: [165, 0],
  umount2: [166, 0],
  pivot_root: [155, 0],
  fsopen: [430, 0],
  fsmount: [432, 0],
  open_tree: [428, -100, 0, 0],
  move_mount: [429, 0],
  mount_setattr: [442, 0],
  unshare_user: [272, 0x10000000],
  unshare_mount: [272, 0x20000],
  setns: [308, 0, 0],
  clone_user: [56, 0x10000000 | 17],
  process_madvise: [440, 0],
  pidfd_getfd: [438, 0],
  quotactl: [179, 0],
  acct: [163, 0],
  swapon: [167, 0],
  swapoff: [168, 0],
  syslog: [103, 3],
  iopl: [172, 3],
  ioperm: [173, 0, 1, 1],
  reboot: [169, 0],
  settimeofday: [164, 0],
  nfsservctl: [180, 0],
  lookup_dcookie: [212, 0],
  vhangup: [153],
}

let engine: TestEngine

before(async () => {
  if (!skip) engine = await attackEngine()
})

after(() => engine?.[Symbol.asyncDispose]())

async function errnos(calls: readonly (readonly number[])[], spec: object): Promise<string[]> {
  const args = calls.flatMap((call, index) => [...(index > 0 ? ['--'] : []), ...call.map(String)])
  const ran = await probe(engine, ['sys', ...args], spec)
  return words(ran.stdout).map(([, errno]) => errno ?? '')
}

for (const { name, security } of MODES) {
  test(`refuses dangerous system calls in ${name}`, { skip: skip || process.arch !== 'x64' }, async () => {
    const got = await errnos(Object.values(FORBIDDEN), { security })
    const wrong = Object.keys(FORBIDDEN).filter(
      (_, index) => got[index] !== String(EPERM) && got[index] !== String(ENOSYS),
    )
    assert.deepEqual(wrong, [])
  })

  test(`answers clone3 and system calls newer than the profile with ENOSYS in ${name}`, {
    skip: skip || process.arch !== 'x64',
  }, async () => {
    const newer = Array.from({ length: 100 }, (_, index) => [480 + index])
    const got = await errnos([[435, 0, 0], ...newer], { security })
    assert.deepEqual(new Set(got), new Set([String(ENOSYS)]))
  })

  test(`opens no socket of a dangerous family in ${name}, by no ABI`, { skip }, async () => {
    const socket = process.arch === 'x64' ? 41 : 198
    for (const user of ['0', '1000']) {
      const got = await errnos(
        [
          [socket, AF_ALG, 5, 0],
          [socket, AF_VSOCK, 1, 0],
          [socket, AF_PACKET, 3, 0],
          [socket, AF_NETLINK, 3, 6],
        ],
        {
          security,
          process: { user },
        },
      )
      assert.deepEqual(got.slice(0, 3), [EPERM, EPERM, EPERM].map(String), `uid ${user}`)
    }
    for (const family of [AF_ALG, AF_VSOCK]) {
      const ran = await probe(engine, ['socket32', String(family)], { security })
      const results = words(ran.stdout).map(([, result]) => Number(result))
      const refused =
        ran.exit.signal === (takes32BitCalls() ? 31 : 11) ||
        (results.length === 2 && results.every((result) => result === -EPERM || result === -ENOSYS))
      assert.ok(refused, `family ${family}: ${ran.stdout} signal ${ran.exit.signal}`)
    }
  })
}
