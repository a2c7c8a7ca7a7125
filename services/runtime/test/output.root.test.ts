import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Partially } from '@caisson/api'
import type { AttachRequest, AttachResponse, RunContainerResponse } from '@caisson/api/container'
import { OutputStream } from '@caisson/api/container'
import { needsRealHost, RealHost } from './real-host.ts'

const skip = needsRealHost()

describe('the output of real containers', { skip }, () => {
  let host: RealHost
  before(async () => {
    host = await RealHost.start()
  })
  after(async () => {
    await host[Symbol.asyncDispose]()
  })

  async function run(script: string): Promise<RunContainerResponse['item'][]> {
    const items: RunContainerResponse['item'][] = []
    for await (const { item } of host.containers.run({ create: { spec: host.script(script) }, output: true }))
      items.push(item)
    return items
  }

  const outputOf = (items: readonly (RunContainerResponse['item'] | AttachResponse['item'])[], stream?: OutputStream) =>
    Buffer.concat(
      items.flatMap((item) =>
        item?.$case === 'output' && (stream === undefined || item.value.stream === stream) ? [item.value.data] : [],
      ),
    )

  const exitOf = (items: readonly (RunContainerResponse['item'] | AttachResponse['item'])[]) => {
    const last = items.at(-1)
    return last?.$case === 'exited' ? last.value.exitCode : undefined
  }

  test('comes by stream, and the exit code last', async () => {
    const items = await run('echo out; echo err >&2; exit 7')
    assert.equal(outputOf(items, OutputStream.STDOUT).toString(), 'out\n')
    assert.equal(outputOf(items, OutputStream.STDERR).toString(), 'err\n')
    assert.equal(exitOf(items), 7)
  })

  test('is whole: a line of ten megabytes, binary bytes, a last line without an end', async () => {
    const items = await run("head -c 10000000 /dev/zero | tr '\\0' x; printf '\\000\\001\\377 end'")
    const bytes = outputOf(items)
    assert.equal(bytes.length, 10_000_000 + 7)
    assert.deepEqual(bytes.subarray(-7), Buffer.from('\0\x01\xff end', 'latin1'))
    assert.ok(bytes.subarray(0, 10_000_000).every((byte) => byte === 0x78))
  })

  test('is complete for several followers while segments rotate', async () => {
    const log = { maxSegmentBytes: 1 << 20, maxSegments: 3 }
    const spec = host.script('sleep 0.3; seq 1 400000', { log })
    const { id } = await host.containers.create({ spec })
    const follower = attach({ $case: 'target', value: { container: id, start: true } })
    await eventually(() => follower.seen.length > 0)
    const other = attach({ $case: 'target', value: { container: id } })
    await Promise.all([follower.done, other.done])
    const expected = Array.from({ length: 400_000 }, (_, index) => `${index + 1}\n`).join('')
    assert.ok(outputOf(follower.seen).toString() === expected)
    assert.ok(outputOf(other.seen).toString() === expected)
    assert.equal(exitOf(other.seen), 0)
    assert.ok(follower.seen.every((item) => item?.$case !== 'gap'))
    assert.equal(await logText(id, { tail: 2 }), '399999\n400000\n')
  })

  test('reaches more followers than a monitor has places', async () => {
    const { id } = await host.containers.create({ spec: host.script('sleep 1.5; seq 1 1000') })
    await host.containers.start({ container: id })
    const texts = await Promise.all(Array.from({ length: 80 }, () => logText(id, { follow: true })))
    const expected = Array.from({ length: 1_000 }, (_, index) => `${index + 1}\n`).join('')
    assert.deepEqual([...new Set(texts)], [expected])
  })

  test('survives a restart of the service without a line less', async () => {
    const id = await host.started(
      'writer',
      host.script('i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo $i; sleep 0.01; done'),
    )
    await sleep(300)
    await host.halt()
    await sleep(500)
    await host.boot()
    let cursor = ''
    let text = ''
    for await (const { item } of host.containers.logs({ container: id }))
      if (item?.$case === 'output') {
        text += item.value.data
        cursor = item.value.cursor
      }
    for await (const { item } of host.containers.logs({ container: id, follow: true, after: cursor }))
      if (item?.$case === 'output') text += item.value.data
    assert.equal(text, Array.from({ length: 300 }, (_, index) => `${index + 1}\n`).join(''))
    assert.equal((await host.containers.wait({ container: id })).exit?.exitCode, 0)
  })

  test('waits for an attached client that does not read', async () => {
    const log = { maxSegmentBytes: 1 << 16, maxSegments: 2 }
    const { id } = await host.containers.create({ spec: host.script('seq 1 1000000', { log }) })
    const items = host.containers.attach(requests({ $case: 'target', value: { container: id, start: true } }))
    const bytes: Buffer[] = []
    for await (const { item } of items) {
      if (item?.$case === 'attached') {
        await sleep(700)
        // It would have ended long ago if nobody held it up.
        assert.equal((await host.containers.get({ container: id })).state, 3)
      }
      assert.notEqual(item?.$case, 'gap')
      if (item?.$case === 'output') bytes.push(item.value.data)
    }
    const expected = Array.from({ length: 1_000_000 }, (_, index) => `${index + 1}\n`).join('')
    assert.ok(Buffer.concat(bytes).toString() === expected)
  })

  test('is told of as a gap to a follower that came too late', async () => {
    const log = { maxSegmentBytes: 1 << 16, maxSegments: 2 }
    const id = await host.started('gaps', host.script('seq 1 200000', { log }))
    await host.containers.wait({ container: id })
    const reasons: string[] = []
    for await (const { item } of host.containers.logs({ container: id }))
      if (item?.$case === 'gap') reasons.push(item.value.reason)
    assert.deepEqual(reasons, ['rotated'])
    assert.equal(await logText(id, { tail: 1 }), '200000\n')
  })

  test('answers input, and ends when the input does', async () => {
    const spec = host.spec(['cat'], { stdin: true, stdinOnce: true })
    const { id } = await host.containers.create({ spec })
    const session = attach({ $case: 'target', value: { container: id, start: true, stdin: true } })
    session.say({ $case: 'stdin', value: Buffer.from('hello ') })
    await eventually(() => outputOf(session.seen).toString() === 'hello ')
    session.say({ $case: 'stdin', value: Buffer.from('world') })
    session.say({ $case: 'stdinEnd', value: {} })
    await session.done
    assert.equal(outputOf(session.seen).toString(), 'hello world')
    assert.equal(exitOf(session.seen), 0)
  })

  test('carries megabytes of input, at the pace of who reads it', async () => {
    const { id } = await host.containers.create({ spec: host.spec(['md5sum'], { stdin: true, stdinOnce: true }) })
    const session = attach({ $case: 'target', value: { container: id, start: true, stdin: true } })
    const piece = Buffer.alloc(1 << 20, 'i')
    for (let count = 0; count < 32; count += 1) session.say({ $case: 'stdin', value: piece })
    session.say({ $case: 'stdinEnd', value: {} })
    await session.done
    const { createHash } = await import('node:crypto')
    const expected = createHash('md5')
    for (let count = 0; count < 32; count += 1) expected.update(piece)
    assert.equal(outputOf(session.seen).toString(), `${expected.digest('hex')}  -\n`)
  })

  test('ends the input when its only client goes away, though it wrote nothing', async () => {
    const { id } = await host.containers.create({ spec: host.spec(['cat'], { stdin: true, stdinOnce: true }) })
    const call = new AbortController()
    const session = attach({ $case: 'target', value: { container: id, start: true, stdin: true } }, call.signal)
    await eventually(() => session.seen.length > 0)
    call.abort()
    assert.equal((await host.containers.wait({ container: id })).exit?.exitCode, 0)
  })

  test('comes from a terminal that has the size that was asked for, and passes Ctrl-C on', async () => {
    const spec = host.spec(['/bin/sh'], { stdin: true, tty: true, terminalSize: { rows: 33, columns: 99 } })
    const { id } = await host.containers.create({ spec })
    const session = attach({ $case: 'target', value: { container: id, start: true, stdin: true } })
    const type = (text: string) => session.say({ $case: 'stdin', value: Buffer.from(text) })
    type('stty size\n')
    await eventually(() => outputOf(session.seen).includes('33 99'))
    session.say({ $case: 'resize', value: { rows: 44, columns: 111 } })
    type('stty size\n')
    await eventually(() => outputOf(session.seen).includes('44 111'))
    type('sleep 100; echo interrupted=$?\n')
    await sleep(200)
    type('\x03')
    type('echo still here\n')
    await eventually(() => outputOf(session.seen).includes('\nstill here'))
    type('exit 5\n')
    await session.done
    assert.equal(exitOf(session.seen), 5)
    const attached = session.seen[0]
    assert.ok(attached?.$case === 'attached' && attached.value.tty)
  })

  test('lets a client send signals, and leave without harm', async () => {
    const id = await host.started('trap', host.script("trap 'echo got it' USR1; while :; do sleep 0.05; done"))
    const call = new AbortController()
    const session = attach({ $case: 'target', value: { container: id } }, call.signal)
    await eventually(() => session.seen.length > 0)
    await sleep(100)
    session.say({ $case: 'signal', value: 'USR1' })
    await eventually(() => outputOf(session.seen).toString() === 'got it\n')
    call.abort()
    await assert.rejects(session.done, { code: 'cancelled' })
    assert.equal((await host.containers.get({ container: id })).state, 3)
  })

  async function logText(container: string, more = {}): Promise<string> {
    let text = ''
    for await (const { item } of host.containers.logs({ container, ...more }))
      if (item?.$case === 'output') text += item.value.data
    return text
  }

  async function* requests(...items: Partially<AttachRequest>['item'][]): AsyncGenerator<Partially<AttachRequest>> {
    for (const item of items) yield { item }
  }

  function attach(target: Partially<AttachRequest>['item'], signal?: AbortSignal) {
    const said: Partially<AttachRequest>['item'][] = [target]
    let more = Promise.withResolvers<void>()
    let isOver = false
    async function* source(): AsyncGenerator<Partially<AttachRequest>> {
      while (!isOver) {
        for (let item = said.shift(); item; item = said.shift()) yield { item }
        await more.promise
      }
    }
    const wake = (): void => {
      more.resolve()
      more = Promise.withResolvers<void>()
    }
    const seen: AttachResponse['item'][] = []
    const run = async (): Promise<void> => {
      try {
        for await (const { item } of host.containers.attach(source(), signal ? { signal } : {})) seen.push(item)
      } finally {
        isOver = true
        wake()
      }
    }
    const done = run()
    done.catch(() => {})
    const say = (item: Partially<AttachRequest>['item']): void => {
      said.push(item)
      wake()
    }
    return { seen, done, say }
  }

  async function eventually(condition: () => boolean): Promise<void> {
    for (let tries = 0; tries < 1_000 && !condition(); tries += 1) await sleep(10)
    assert.ok(condition())
  }
})
