import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CaissonError, fromTimestamp } from '@caisson/api'
import { ContainerState } from '@caisson/api/container'
import { SandboxMode } from '@caisson/api/network'
import { busyboxRootfs, importImage, inNamespaces, needsBusybox, runContainer, TestEngine } from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox()
const none = { network: { mode: SandboxMode.NONE } } as const
let engine: TestEngine

before(async () => {
  if (skip) return
  engine = await TestEngine.start()
  await importImage(engine.images, 'busybox', busyboxRootfs(), ['CMD ["/bin/sh"]', 'ENV GREETING=hello'])
})

after(() => engine?.[Symbol.asyncDispose]())

async function started(spec: object, cmd: readonly string[]): Promise<string> {
  const { id } = await engine.containers.create({
    spec: {
      image: 'busybox',
      ...none,
      ...spec,
      process: { ...(spec as { process?: object }).process, cmd: { values: [...cmd] } },
    },
  })
  await engine.containers.start({ container: id })
  return id
}

/** Waits until a container has written a text. */
async function written(container: string, text: string): Promise<void> {
  let seen = ''
  for await (const { item } of engine.containers.logs({ container, follow: true })) {
    if (item?.$case === 'output') seen += item.value.data.toString()
    if (seen.includes(text)) return
  }
  assert.fail(`${container} ended without writing ${text}: ${seen}`)
}

async function logsOf(container: string, more: object = {}): Promise<string> {
  const chunks: Buffer[] = []
  for await (const { item } of engine.containers.logs({ container, ...more }))
    if (item?.$case === 'output') chunks.push(item.value.data)
  return Buffer.concat(chunks).toString()
}

test('runs a command and gives back output, error output and exit code', { skip }, async () => {
  const ran = await runContainer(engine, { image: 'busybox', ...none }, ['sh', '-c', 'echo out; echo err >&2; exit 7'])
  assert.deepEqual([ran.stdout, ran.stderr, ran.exit.exitCode], ['out\n', 'err\n', 7])
})

test('gives a container what its image says, and what the request says on top', { skip }, async () => {
  const process = { env: ['NAME=world'], workingDir: '/made/on/demand', user: 'user' }
  const ran = await runContainer(engine, { image: 'busybox', ...none, process }, [
    'sh',
    '-c',
    'echo $GREETING $NAME; pwd; id; hostname',
  ])
  const [greeting, directory, id, host] = ran.stdout.split('\n')
  assert.equal(greeting, 'hello world')
  assert.equal(directory, '/made/on/demand')
  assert.match(
    id ?? '',
    /uid=1000\(user\) gid=1000\(user\) groups=1000\(user\),2000\(extra\)|uid=1000\(user\) gid=1000\(user\)/,
  )
  assert.equal(host, ran.id.slice(0, 12))
})

test('keeps containers apart, and their changes out of the image', { skip }, async () => {
  await runContainer(engine, { image: 'busybox', ...none }, ['sh', '-c', 'rm /bin/cat; echo changed > /etc/passwd'])
  const ran = await runContainer(engine, { image: 'busybox', ...none }, [
    'sh',
    '-c',
    'cat /etc/passwd; ls /proc | grep -c "^[0-9]"',
  ])
  assert.match(ran.stdout, /^root:x:0:0/)
  assert.match(ran.stdout, /\n[1-4]\n$/)
})

test('runs the parts of its life one by one', { skip }, async () => {
  const id = await started({}, ['sh', '-c', 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.1; done'])
  await written(id, 'up')
  const running = await engine.containers.get({ container: id })
  assert.equal(running.state, ContainerState.RUNNING)
  assert.ok(running.pid > 0)

  await engine.containers.pause({ container: id })
  assert.equal((await engine.containers.get({ container: id })).state, ContainerState.PAUSED)
  await engine.containers.resume({ container: id })

  await assert.rejects(
    engine.containers.remove({ container: id }),
    (error: CaissonError) => error.code === 'conflict' || error.code === 'failed-precondition',
  )
  const { exit } = await engine.containers.stop({ container: id })
  assert.equal(exit?.exitCode, 3)
  assert.equal(await logsOf(id), 'up\nbye\n')
  await engine.containers.remove({ container: id })
  await assert.rejects(engine.containers.get({ container: id }), (error: CaissonError) => error.code === 'not-found')
})

test('kills what does not stop in time', { skip }, async () => {
  const id = await started({}, ['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 0.1; done'])
  await written(id, 'up')
  const begun = Date.now()
  const { exit } = await engine.containers.stop({ container: id, timeoutSeconds: 1 })
  assert.deepEqual([exit?.exitCode, exit?.signal], [137, 9])
  assert.ok(Date.now() - begun >= 1_000)
  await engine.containers.remove({ container: id })
})

test('follows logs as they are written, and finds them by tail and time', { skip }, async () => {
  const id = await started({}, ['sh', '-c', 'for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done'])
  const begun = Date.now()
  const pieces: { text: string; time: bigint }[] = []
  for await (const { item } of engine.containers.logs({ container: id, follow: true }))
    if (item?.$case === 'output')
      pieces.push({ text: item.value.data.toString(), time: fromTimestamp(item.value.time) })
  const textOf = (some: typeof pieces) => some.map(({ text }) => text).join('')
  assert.equal(textOf(pieces), 'line 1\nline 2\nline 3\nline 4\nline 5\n')
  assert.ok(Date.now() - begun >= 500, 'the log was followed while it was written')
  assert.equal(await logsOf(id, { tail: 2 }), 'line 4\nline 5\n')
  // Lines that were read at once are one piece.
  const third = pieces.findIndex(({ text }) => text.includes('line 3'))
  const time = pieces[third]?.time ?? 0n
  assert.equal(
    await logsOf(id, { since: { seconds: Number(time / 1_000_000_000n), nanos: Number(time % 1_000_000_000n) } }),
    textOf(pieces.slice(third)),
  )
  await engine.containers.remove({ container: id })
})

test('talks to a container through its terminal', { skip }, async () => {
  const { id } = await engine.containers.create({
    spec: { image: 'busybox', ...none, process: { tty: true, stdin: true, terminalSize: { rows: 30, columns: 90 } } },
  })
  const input = Promise.withResolvers<void>()
  let text = ''
  const shown = async (pattern: RegExp): Promise<void> => {
    for (const deadline = Date.now() + 60_000; !pattern.test(text); await sleep(20))
      assert.ok(Date.now() < deadline, `${pattern} is not shown: ${text}`)
  }
  const stdin = (line: string): object => ({ item: { $case: 'stdin', value: Buffer.from(line) } })
  const requests = async function* (): AsyncGenerator<object> {
    yield { item: { $case: 'target', value: { container: id, stdin: true, start: true } } }
    yield stdin('stty size; tty\n')
    await shown(/30 90\s+\/dev\/(pts\/0|console)/)
    yield { item: { $case: 'resize', value: { rows: 40, columns: 100 } } }
    yield stdin('until stty size | grep "40 100"; do sleep 0.1; done\n')
    await shown(/\n40 100/)
    yield stdin('echo s""leeping; sleep 1000\n')
    await shown(/sleeping/)
    yield stdin('\x03')
    yield stdin('exit 5\n')
    await input.promise
  }
  let code: number | undefined
  for await (const { item } of engine.containers.attach(requests() as never)) {
    if (item?.$case === 'output') text += item.value.data.toString()
    if (item?.$case === 'exited') code = item.value.exitCode
  }
  input.resolve()
  assert.equal(code, 5)
  await engine.containers.remove({ container: id })
})

test('runs further processes in a container, with their own user, input and exit code', { skip }, async () => {
  const id = await started({}, ['sleep', '100'])
  const exec = async (process: object, stdin?: string): Promise<{ text: string; code: number | undefined }> => {
    const over = Promise.withResolvers<void>()
    const requests = async function* (): AsyncGenerator<object> {
      yield { item: { $case: 'target', value: { exec: { $case: 'spec', value: { container: id, process } } } } }
      if (stdin !== undefined) yield { item: { $case: 'stdin', value: Buffer.from(stdin) } }
      yield { item: { $case: 'stdinEnd', value: {} } }
      await over.promise
    }
    let text = ''
    let code: number | undefined
    try {
      for await (const { item } of engine.execs.attach(requests() as never)) {
        if (item?.$case === 'output') text += item.value.data.toString()
        if (item?.$case === 'exited') code = item.value.exitCode
      }
    } finally {
      over.resolve()
    }
    return { text, code }
  }
  assert.deepEqual(
    await exec({
      cmd: { values: ['sh', '-c', 'id -u; echo $X; pwd; exit 9'] },
      user: '1000',
      env: ['X=y'],
      workingDir: '/tmp',
    }),
    { text: '1000\ny\n/tmp\n', code: 9 },
  )
  assert.deepEqual(await exec({ cmd: { values: ['cat'] }, stdin: true }, 'through\n'), { text: 'through\n', code: 0 })
  await assert.rejects(
    exec({ cmd: { values: ['nothing-like-this'] } }),
    (error: CaissonError) => error.reason === 'COMMAND_NOT_FOUND',
  )
  await engine.containers.remove({ container: id, force: true })
  await assert.rejects(exec({ cmd: { values: ['true'] } }), (error: CaissonError) => error.code === 'not-found')
})

test('measures, limits and lists what runs', { skip }, async () => {
  const limits = { memoryBytes: 64 << 20, pidsLimit: 50, nanoCpus: 500_000_000 }
  const id = await started({ resources: limits }, ['sh', '-c', 'sleep 100 & echo up; sleep 100; true'])
  await written(id, 'up')
  for await (const { containers } of engine.containers.stats({ containers: [id] })) {
    assert.equal(containers[0]?.memory?.limitBytes, limits.memoryBytes)
    assert.equal(containers[0]?.pidsLimit, 50)
    assert.ok((containers[0]?.pids ?? 0) >= 2)
    break
  }
  await engine.containers.update({ container: id, resources: { memoryBytes: 32 << 20, pidsLimit: 20 } })
  for await (const { containers } of engine.containers.stats({ containers: [id] })) {
    assert.equal(containers[0]?.memory?.limitBytes, 32 << 20)
    assert.equal(containers[0]?.pidsLimit, 20)
    break
  }
  const { processes } = await engine.containers.top({ container: id })
  assert.ok(processes.some(({ command, innerPid, uid }) => command.startsWith('sh -c') && innerPid === 1 && uid === 0))
  await engine.containers.rename({ container: id, name: 'measured' })
  const { containers } = await engine.containers.list({ filter: { names: ['measured'] } })
  assert.deepEqual(
    containers.map((container) => container.id),
    [id],
  )
  await engine.containers.remove({ container: 'measured', force: true })
})

test('reports a container that used up its memory', { skip }, async () => {
  const spec = { image: 'busybox', ...none, autoRemove: false, resources: { memoryBytes: 16 << 20 } }
  const ran = await runContainer(engine, spec, ['sh', '-c', 'tail /dev/zero'])
  const found = await engine.containers.get({ container: ran.id })
  // The shell survives its child and passes the code on, or is killed itself.
  assert.equal(ran.exit.exitCode, 137)
  assert.ok((found.exit?.oomKilled ?? false) || ran.exit.exitCode === 137)
  const direct = await runContainer(engine, { ...spec, autoRemove: true }, ['tail', '/dev/zero'])
  assert.deepEqual([direct.exit.exitCode, direct.exit.oomKilled], [137, true])
  await engine.containers.remove({ container: ran.id })
})

test('tells of everything that happened, in order and without holes', { skip }, async () => {
  const ran = await runContainer(engine, { image: 'busybox', ...none }, ['true'])
  const types: string[] = []
  const revisions: (number | undefined)[] = []
  const events = engine.events('runtime')
  let after = { log: '', sequence: 0 }
  for (;;) {
    const page = await events.list({ after, filter: { subjects: [ran.id] } })
    types.push(...page.events.map((event) => event.type))
    revisions.push(...page.events.map((event) => event.subject?.revision))
    if (!page.more || !page.next) break
    after = page.next
  }
  assert.deepEqual(types, ['container.created', 'container.started', 'container.exited', 'container.removed'])
  assert.deepEqual(revisions, [1, 2, 3, 4])
})
