import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { before, test } from 'node:test'
import { inNamespaces } from '@caisson/testkit'
import { run } from './engine.ts'
import { newRoot, startService, stopService } from './service-process.ts'

const skip = inNamespaces()

const sockets = new Set<Socket>()

/** A connection through a published port, to somebody inside who says everything back. */
async function open(port: number): Promise<(word: string) => Promise<string>> {
  const socket = connect(port, '127.0.0.1')
  sockets.add(socket)
  await once(socket, 'connect')
  return async (word) => {
    socket.write(word)
    const [said] = await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })
    return String(said)
  }
}

const isFree = async (port: number): Promise<boolean> => {
  const server = createServer().listen(port, '0.0.0.0')
  try {
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

before(() => {
  if (!skip) run('ip link set lo up; mount -t sysfs sysfs /sys')
})

test('killed under an open connection, the service comes back to the same ports, and nothing is interrupted', {
  skip,
  timeout: 240_000,
}, async () => {
  const root = newRoot()
  let served = await startService(root)
  const ports = [{ containerPort: 7 }, { hostPort: 8007, containerPort: 7 }]
  const sandbox = await served.sandboxes.create({ id: 'one', ports })
  const chosen = sandbox.ports[0]?.hostPort ?? 0
  const command = [`--net=${sandbox.namespacePath}`, 'busybox', 'nc', '-ll', '-p', '7', '-e', 'cat']
  const server = spawn('nsenter', command, { stdio: 'ignore' })
  try {
    let say: ((word: string) => Promise<string>) | undefined
    while (say === undefined) say = await open(chosen).catch(() => undefined)
    assert.equal(await say('one'), 'one')
    await stopService(served, 'SIGKILL')
    assert.equal(await say('two'), 'two')
    assert.equal(await (await open(8007))('new'), 'new', 'who comes while it is away gets in')
    assert.ok(await isFree(8007), 'nobody holds the port meanwhile')
    served = await startService(root)
    assert.equal(await say('three'), 'three')
    assert.equal(await (await open(chosen))('again'), 'again')
    assert.deepEqual((await served.sandboxes.get({ id: 'one' })).ports, sandbox.ports)
    assert.ok(!(await isFree(8007)), 'the port is held again')
    await served.sandboxes.delete({ id: 'one' })
    assert.ok(await isFree(8007))
    await stopService(served, 'SIGTERM')
    assert.doesNotMatch(run('nft list tables'), /caisson/)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.kill('SIGKILL')
    served.process.kill('SIGKILL')
  }
  rmSync(root, { recursive: true })
})
