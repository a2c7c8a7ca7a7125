import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { NamespaceMode } from '@caisson/api/container'
import { parseCapabilities, parseDevice, parseSecurityOptions, parseUlimit, parseUserNamespace } from './security.ts'

test('reads security options', () => {
  assert.deepEqual(parseSecurityOptions(['no-new-privileges']), { noNewPrivileges: true })
  assert.deepEqual(parseSecurityOptions(['no-new-privileges=false', 'seccomp=unconfined']), {
    noNewPrivileges: false,
    seccompProfile: 'unconfined',
  })
  assert.deepEqual(parseSecurityOptions(['apparmor:strict']), { apparmorProfile: 'strict' })
  for (const text of ['', 'seccomp', 'fast=yes', 'no-new-privileges=maybe'])
    assert.throws(() => parseSecurityOptions([text]), /--security-opt: .*is not known/, text)
})

test('sends the text of a seccomp profile and refuses one that is not JSON', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cli-seccomp-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'good.json'), '{"defaultAction":"SCMP_ACT_ALLOW"}')
  writeFileSync(join(folder, 'bad.json'), '{')
  assert.deepEqual(parseSecurityOptions([`seccomp=${folder}/good.json`]), {
    seccompProfile: '{"defaultAction":"SCMP_ACT_ALLOW"}',
  })
  assert.throws(
    () => parseSecurityOptions([`seccomp=${folder}/bad.json`]),
    /cannot read the seccomp profile .*bad\.json/,
  )
  assert.throws(() => parseSecurityOptions([`seccomp=${folder}/none.json`]), /none\.json/)
})

test('reads limits of processes', () => {
  assert.deepEqual(parseUlimit('nofile=1024:4096'), { name: 'nofile', soft: 1024, hard: 4096 })
  assert.deepEqual(parseUlimit('core=0'), { name: 'core', soft: 0, hard: 0 })
  assert.deepEqual(parseUlimit('memlock=unlimited'), { name: 'memlock', soft: -1, hard: -1 })
  for (const text of ['nofile', 'nofile=', 'nofile=2:1', 'files=1', 'nofile=-2', 'nofile=unlimited:5', 'nofile=1:2:3'])
    assert.throws(() => parseUlimit(text), /--ulimit/, text)
})

test('reads devices, capabilities and user namespaces', () => {
  assert.deepEqual(parseDevice('/dev/fuse'), { hostPath: '/dev/fuse', containerPath: '', permissions: '' })
  assert.deepEqual(parseDevice('/dev/a:/dev/b:rw'), { hostPath: '/dev/a', containerPath: '/dev/b', permissions: 'rw' })
  assert.deepEqual(parseDevice('/dev/a:r'), { hostPath: '/dev/a', containerPath: '', permissions: 'r' })
  assert.throws(() => parseDevice('fuse'), /--device/)
  assert.throws(() => parseDevice('/dev/a:/dev/b:x'), /permissions/)
  assert.deepEqual(parseCapabilities('--cap-add', ['net_admin,CAP_SYS_TIME', 'ALL']), ['NET_ADMIN', 'SYS_TIME', 'ALL'])
  assert.throws(() => parseCapabilities('--cap-add', ['net-admin']), /--cap-add/)
  assert.deepEqual(parseUserNamespace('host'), { mode: NamespaceMode.HOST })
  assert.throws(() => parseUserNamespace('keep-id'), /--userns/)
})
