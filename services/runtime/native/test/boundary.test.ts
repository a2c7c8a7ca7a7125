import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { loadNative, NATIVE_FILES, type NativeSpawn } from '../../src/native/spawn.ts'

const BUILD = new URL('../build/', import.meta.url).pathname
const skip = existsSync(join(BUILD, NATIVE_FILES.addon))
  ? false
  : 'needs the native parts: make -C services/runtime/native'

describe('the boundary to the native module', { skip }, () => {
  let native: NativeSpawn
  let folder = ''
  before(() => {
    native = loadNative(BUILD)
    folder = mkdtempSync(join(tmpdir(), 'caisson-boundary-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  test('throws errors as those of Node', () => {
    assert.throws(() => native.sealedProgram(join(folder, 'none')), {
      code: 'ENOENT',
      errno: -2,
      syscall: 'memfd_create',
      message: /ENOENT/,
    })
    assert.throws(() => native.closeFd(99_999), { code: 'EBADF', errno: -9, syscall: 'close' })
    assert.throws(() => native.pidfdOpen(2 ** 30), { syscall: 'pidfd_open' })
    assert.throws(() => native.waitChild(0), { syscall: 'waitid' })
    assert.throws(() => native.openDirectory(BUILD.replace(/\/$/, '/spawn.node')), { code: 'ENOTDIR' })
  })

  test('takes no argument of a wrong type, and none too few', () => {
    const anything = native as unknown as Record<string, (...values: unknown[]) => unknown>
    for (const name of Object.keys(native)) {
      const call = anything[name]
      if (!call) throw new Error(name)
      assert.throws(() => call(), TypeError, name)
      for (const value of [undefined, null, {}, [], Number.NaN, -7, 1.5, 2 ** 40, Symbol('x'), 10n])
        assert.throws(() => call(value, value, value), TypeError, `${name}(${String(value)})`)
    }
    assert.throws(() => native.openDirectory('/tmp\0/x'), TypeError)
    assert.throws(() => native.openDirectory('x'.repeat(5000)), TypeError)
    const plan = new Uint8Array(16)
    const right = { monitor: 0, init: -1, plan, state: 0 }
    for (const wrong of [
      { ...right, plan: [1, 2] },
      { ...right, plan: new Uint16Array(8) },
      { ...right, monitor: '0' },
      { ...right, state: -1 },
      { ...right, init: -2 },
    ])
      assert.throws(() => native.spawnMonitor(wrong as typeof right), TypeError)
  })

  test('makes copies of programs that cannot be changed', () => {
    const fd = native.sealedProgram(join(BUILD, NATIVE_FILES.init))
    assert.throws(() => writeSync(fd, 'x'), { code: 'EPERM' })
    const again = openSync(`/proc/self/fd/${fd}`, 'r+')
    assert.throws(() => writeSync(again, 'x'), { code: 'EPERM' })
    closeSync(again)
    assert.deepEqual(readFileSync(`/proc/self/fd/${fd}`), readFileSync(join(BUILD, NATIVE_FILES.init)))
    native.closeFd(fd)
    assert.throws(() => native.sealedProgram(folder), { code: 'EACCES' })
  })

  test('says why a monitor cannot be spawned, and leaves no process', () => {
    const notExecutable = openSync(join(BUILD, NATIVE_FILES.addon), 'r')
    const state = native.openDirectory(folder)
    const text = join(folder, 'text')
    writeFileSync(text, 'no program')
    const fd = native.sealedProgram(text)
    assert.throws(() => native.spawnMonitor({ monitor: fd, init: -1, plan: new Uint8Array(16), state }), {
      code: 'ENOEXEC',
    })
    assert.throws(() => native.spawnMonitor({ monitor: 99_999, init: -1, plan: new Uint8Array(16), state }), {
      code: 'EBADF',
    })
    for (const open of [notExecutable, state, fd]) native.closeFd(open)
  })

  test('signals a process by its descriptor, and tells how it ended', async () => {
    const child = spawn('/bin/sleep', ['1000'])
    const pidfd = native.pidfdOpen(child.pid ?? 0)
    native.pidfdSendSignal(pidfd, 0)
    assert.equal(native.pidfdExit(pidfd), null)
    native.pidfdSendSignal(pidfd, 15)
    await once(child, 'exit')
    assert.throws(() => native.pidfdSendSignal(pidfd, 0), { code: 'ESRCH' })
    const status = native.pidfdExit(pidfd)
    assert.ok(status === null || status === 15, `${status}`)
    native.closeFd(pidfd)
  })

  test('locks for one only', () => {
    const file = join(folder, 'lock')
    const [first, second] = [openSync(file, 'w'), openSync(file, 'w')]
    assert.equal(native.flockExclusive(first), true)
    assert.equal(native.flockExclusive(second), false)
    closeSync(first)
    assert.equal(native.flockExclusive(second), true)
    closeSync(second)
  })

  test('reads files inside a root, and only there', () => {
    const root = join(folder, 'root')
    mkdirSync(join(root, 'etc'), { recursive: true })
    writeFileSync(join(root, 'etc/passwd'), 'inside')
    symlinkSync('/etc/passwd', join(root, 'link'))
    symlinkSync('../../../../../../etc/passwd', join(root, 'climb'))
    for (const path of ['etc/passwd', '/etc/passwd', '/link', '/climb', '/../../etc/passwd'])
      assert.equal(native.readFileInRoot(root, path, 100).toString(), 'inside')
    assert.throws(() => native.readFileInRoot(root, '/etc/passwd', 5), { code: 'EFBIG' })
    assert.throws(() => native.readFileInRoot(root, '/etc', 5), { code: 'EISDIR' })
    assert.throws(() => native.readFileInRoot(root, '/etc/hostname', 5), { code: 'ENOENT' })
    symlinkSync('/proc/self/root/etc/passwd', join(root, 'magic'))
    assert.throws(() => native.readFileInRoot(root, '/magic', 100), { code: 'ENOENT' })
    assert.throws(() => native.readFileInRoot('/', '/proc/self/root/etc/passwd', 100_000), { code: 'ELOOP' })
  })
})
