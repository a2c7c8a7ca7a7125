import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { CaissonError } from '@caisson/api'
import { ContainerState, MountKind, NamespaceMode, RestartPolicyKind, WaitCondition } from '@caisson/api/container'
import { Protocol, SandboxMode } from '@caisson/api/network'
import { LaunchStep } from '../src/monitor/message.ts'
import { IMAGE_CONFIG, unavailableNow } from './fakes.ts'
import { collect, eventually, RuntimeFixture } from './fixture.ts'

const ENOENT = 2
const EACCES = 13

const refusedWith =
  (reason: string, code?: string) =>
  (error: unknown): boolean =>
    error instanceof CaissonError && error.reason === reason && (code === undefined || error.code === code)

describe('the life of a container', () => {
  let runtime: RuntimeFixture
  beforeEach(async () => {
    runtime = await RuntimeFixture.start()
  })
  afterEach(() => runtime[Symbol.asyncDispose]())

  const make = (name: string, spec: object = {}) => runtime.client.create({ name, spec: { image: 'box', ...spec } })
  const stateDir = (id: string): string => join(runtime.dir, 'containers', id)

  test('is made, started, ended and removed, and every step is an event', async () => {
    const { id, name } = await make('one', { labels: { tier: 'test' } })
    assert.match(id, /^[0-9a-f]{64}$/)
    assert.equal(name, 'one')
    assert.deepEqual(await runtime.client.start({ container: 'one' }), { pid: 4_242 })
    const running = await runtime.client.get({ container: id.slice(0, 12) })
    assert.equal(running.state, ContainerState.RUNNING)
    assert.deepEqual(running.args, ['/bin/sh'])
    assert.ok(running.env.includes('FROM_IMAGE=1') && running.env.includes(`HOSTNAME=${id.slice(0, 12)}`))
    assert.equal(running.idRangeStart, 0x7000_0000)
    assert.equal(readFileSync(join(stateDir(id), 'hostname'), 'utf8'), `${id.slice(0, 12)}\n`)
    assert.equal(readFileSync(join(stateDir(id), 'resolv.conf'), 'utf8'), 'nameserver 10.88.0.1\n')

    const waiting = runtime.client.wait({ container: 'one', condition: WaitCondition.NOT_RUNNING })
    await runtime.monitors.of({ id }).exit(7)
    assert.equal((await waiting).exit?.exitCode, 7)
    await eventually(() => !runtime.sandboxes.made.has(id))
    assert.equal((await runtime.client.get({ container: id })).state, ContainerState.EXITED)

    await runtime.client.remove({ container: id })
    await assert.rejects(runtime.client.get({ container: id }), refusedWith('CONTAINER_NOT_FOUND', 'not-found'))
    assert.deepEqual(runtime.story(id), ['created', 'started', 'exited', 'removed'])
    assert.deepEqual([...runtime.roots.prepared], [])
    await eventually(() => !existsSync(stateDir(id)))
    const [first] = runtime.events()
    assert.deepEqual(first?.subject?.labels, { tier: 'test' })
  })

  test('runs again after it ended, with a sandbox of its own each time', async () => {
    const { id } = await make('again')
    for (const code of [1, 2]) {
      await runtime.client.start({ container: id })
      await runtime.monitors.of({ id }).exit(code)
      await eventually(async () => (await runtime.client.get({ container: id })).exit?.exitCode === code)
      await eventually(() => !runtime.sandboxes.made.has(id))
    }
    await assert.rejects(
      (async () => {
        await runtime.client.start({ container: id })
        await runtime.client.start({ container: id })
      })(),
      refusedWith('CONTAINER_RUNNING', 'not-modified'),
    )
  })

  test('gives a name to exactly one of many that ask for it at once', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 100 }, () => make('wanted')))
    const won = tries.filter(({ status }) => status === 'fulfilled')
    assert.equal(won.length, 1)
    for (const result of tries)
      if (result.status === 'rejected') assert.ok(refusedWith('CONTAINER_EXISTS', 'already-exists')(result.reason))
    await eventually(() => runtime.roots.prepared.size === 1)
  })

  test('makes the same container once for one request id, and refuses the id for another', async () => {
    const request = { name: 'once', spec: { image: 'box' }, requestId: 'r1' }
    const [a, b] = await Promise.all([runtime.client.create(request), runtime.client.create(request)])
    assert.equal(a.id, b.id)
    await assert.rejects(runtime.client.create({ ...request, name: 'other' }), refusedWith('REQUEST_ID_REUSED'))
  })

  test('makes up a name, and tells an ambiguous prefix from an unknown one', async () => {
    const all = await Promise.all(Array.from({ length: 16 }, () => make('')))
    assert.equal(new Set(all.map(({ name }) => name)).size, 16)
    for (const { name } of all) assert.match(name, /^[a-z]+_[a-z]+\d*$/)
    await assert.rejects(make(''), refusedWith('ID_RANGES_EXHAUSTED', 'resource-exhausted'))
    const firsts = all.map(({ id }) => id.slice(0, 1))
    const twice = firsts.find((digit, index) => firsts.indexOf(digit) !== index)
    if (twice !== undefined)
      await assert.rejects(runtime.client.get({ container: twice }), refusedWith('AMBIGUOUS_ID', 'invalid-argument'))
    await assert.rejects(runtime.client.get({ container: 'nobody' }), refusedWith('CONTAINER_NOT_FOUND'))
  })

  test('leaves nothing behind when there is no such image', async () => {
    await assert.rejects(make('none', { image: 'missing' }), refusedWith('IMAGE_NOT_FOUND', 'not-found'))
    assert.deepEqual([...runtime.roots.prepared], [])
    await make('none')
  })

  test('tells why a program could not be executed, and stays as it was', async () => {
    const cases = [
      [LaunchStep.EXEC, ENOENT, 'COMMAND_NOT_FOUND', 'not-found'],
      [LaunchStep.EXEC, EACCES, 'COMMAND_NOT_EXECUTABLE', 'failed-precondition'],
      [LaunchStep.UNSAFE, 0, 'UNSAFE_CONTENT', 'failed-precondition'],
      [LaunchStep.MOUNT, ENOENT, 'MOUNT_FAILED', 'failed-precondition'],
      [LaunchStep.USER, 0, 'NO_SUCH_USER', 'invalid-argument'],
    ] as const
    const { id } = await make('bad')
    for (const [step, errno, reason, code] of cases) {
      runtime.monitors.onLaunch = (monitor) => void monitor.fail(step, errno, 'names the object')
      await assert.rejects(runtime.client.start({ container: id }), (error) => {
        assert.ok(error instanceof CaissonError)
        assert.deepEqual([error.reason, error.code], [reason, code])
        assert.match(error.message, /names the object/)
        return true
      })
      await eventually(() => !runtime.sandboxes.made.has(id))
    }
    assert.equal((await runtime.client.get({ container: id })).state, ContainerState.CREATED)
    assert.deepEqual(runtime.story(id), ['created'])
  })

  test('is asked to stop, and killed when it does not in time', async () => {
    const { id } = await make('stubborn', { stopSignal: 'SIGINT' })
    await runtime.client.start({ container: id })
    const monitor = runtime.monitors.of({ id })
    const stopping = runtime.client.stop({ container: id, timeoutSeconds: 1 })
    await monitor.until(() => monitor.signals.includes(2))
    await monitor.until(() => monitor.signals.includes(9))
    await monitor.exit(137)
    assert.equal((await stopping).exit?.exitCode, 137)
    assert.deepEqual(await runtime.client.stop({ container: id }), { exit: undefined })
    await assert.rejects(runtime.client.kill({ container: id }), refusedWith('CONTAINER_NOT_RUNNING'))
    await assert.rejects(runtime.client.kill({ container: id, signal: 'NOPE' }), refusedWith('SIGNAL_INVALID'))
  })

  test('can be stopped and waited for while it is starting', async () => {
    const { id } = await make('slow')
    const launched = Promise.withResolvers<void>()
    runtime.monitors.onLaunch = () => launched.resolve()
    const starting = runtime.client.start({ container: id })
    await launched.promise
    assert.equal((await runtime.client.get({ container: id })).state, ContainerState.STARTING)
    const stopping = runtime.client.stop({ container: id, timeoutSeconds: 5 })
    const waiting = runtime.client.wait({ container: id })
    const monitor = runtime.monitors.of({ id })
    monitor.sayStarted()
    await starting
    await monitor.until(() => monitor.signals.includes(15))
    await monitor.exit(0)
    assert.equal((await stopping).exit?.exitCode, 0)
    assert.equal((await waiting).exit?.exitCode, 0)

    runtime.monitors.onLaunch = () => {}
    const failing = assert.rejects(runtime.client.start({ container: id }), refusedWith('ROOT_SETUP'))
    await eventually(() => runtime.monitors.launched.length === 2)
    const settled = runtime.client.wait({ container: id })
    await runtime.monitors.of({ id }).until(() => runtime.monitors.of({ id }).connections.length > 0)
    await runtime.monitors.of({ id }).fail(LaunchStep.ROOT, ENOENT, 'no root')
    await failing
    assert.equal((await settled).exit?.exitCode, 0)
  })

  test('is paused and goes on, and is thawed to be stopped', async () => {
    const { id } = await make('icy')
    await assert.rejects(runtime.client.pause({ container: id }), refusedWith('CONTAINER_NOT_RUNNING'))
    await runtime.client.start({ container: id })
    await runtime.client.pause({ container: id })
    assert.equal((await runtime.client.get({ container: id })).state, ContainerState.PAUSED)
    await assert.rejects(runtime.client.pause({ container: id }), refusedWith('CONTAINER_PAUSED'))
    await runtime.client.resume({ container: id })
    await assert.rejects(runtime.client.resume({ container: id }), refusedWith('CONTAINER_NOT_PAUSED'))
    await runtime.client.pause({ container: id })
    const monitor = runtime.monitors.of({ id })
    const stopping = runtime.client.stop({ container: id })
    await monitor.until(() => monitor.signals.includes(15))
    assert.deepEqual([...runtime.controlGroups.frozen], [])
    await monitor.exit(143)
    await stopping
    assert.deepEqual(runtime.story(id).slice(2), ['paused', 'resumed', 'paused', 'resumed', 'exited'])
  })

  test('is removed while it runs only by force', async () => {
    const { id } = await make('busy')
    await runtime.client.start({ container: id })
    await assert.rejects(runtime.client.remove({ container: id }), refusedWith('CONTAINER_RUNNING', 'conflict'))
    const gone = runtime.client.wait({ container: id, condition: WaitCondition.REMOVED })
    const monitor = runtime.monitors.of({ id })
    const removing = runtime.client.remove({ container: id, force: true })
    await monitor.until(() => monitor.signals.includes(9))
    assert.equal((await runtime.client.get({ container: id })).state, ContainerState.REMOVING)
    await monitor.exit(137)
    await removing
    assert.equal((await gone).exit?.exitCode, 137)
  })

  test('gets another name, and other limits', async () => {
    const { id } = await make('old')
    await make('taken')
    await assert.rejects(runtime.client.rename({ container: id, name: 'taken' }), refusedWith('CONTAINER_EXISTS'))
    await runtime.client.rename({ container: id, name: 'new' })
    assert.equal((await runtime.client.get({ container: 'new' })).id, id)
    await runtime.client.update({ container: id, resources: { memoryBytes: 64 << 20 } })
    assert.deepEqual(runtime.controlGroups.updates, [])
    await runtime.client.start({ container: id })
    await runtime.client.update({ container: id, resources: { pidsLimit: 10 } })
    assert.deepEqual(runtime.controlGroups.updates, [{ pidsLimit: 10 }])
    const { spec } = await runtime.client.get({ container: id })
    assert.deepEqual([spec?.resources?.memoryBytes, spec?.resources?.pidsLimit], [64 << 20, 10])
    runtime.controlGroups.refuses = true
    await assert.rejects(runtime.client.update({ container: id, resources: { pidsLimit: 9 } }))
    assert.equal((await runtime.client.get({ container: id })).spec?.resources?.pidsLimit, 10)
  })

  test('is listed by state, label, name and image, a page at a time', async () => {
    for (const index of [1, 2, 3]) await make(`c${index}`, { labels: { n: String(index) } })
    await runtime.client.start({ container: 'c2' })
    const names = async (request: Parameters<typeof runtime.client.list>[0]): Promise<string[]> =>
      (await runtime.client.list(request)).containers.map(({ name }) => name)
    assert.deepEqual(await names({}), ['c2'])
    assert.deepEqual(await names({ all: true }), ['c3', 'c2', 'c1'])
    assert.deepEqual(await names({ states: [ContainerState.CREATED] }), ['c3', 'c1'])
    assert.deepEqual(await names({ all: true, filter: { labels: ['n=1'] } }), ['c1'])
    assert.deepEqual(await names({ all: true, filter: { names: ['c3', 'c1'] } }), ['c3', 'c1'])
    assert.deepEqual(await names({ all: true, images: ['other'] }), [])
    const page = await runtime.client.list({ all: true, page: { size: 2 } })
    assert.deepEqual(
      page.containers.map(({ name }) => name),
      ['c3', 'c2'],
    )
    assert.deepEqual(await names({ all: true, page: { size: 2, token: page.nextPageToken } }), ['c1'])
    const pruned = await runtime.client.prune({ filter: { labels: ['n'] } })
    assert.equal(pruned.removed.length, 2)
    assert.deepEqual(await names({ all: true }), ['c2'])
  })

  test('is run in one call, and is gone at its end when that was asked', async () => {
    runtime.monitors.onLaunch = (monitor) => {
      monitor.sayStarted()
      monitor.write('hello\n')
      void monitor.exit(3)
    }
    const request = { create: { spec: { image: 'box', autoRemove: true } }, output: true }
    const items = await collect(runtime.client.run(request))
    const kinds = items.map(({ item }) => item?.$case)
    assert.deepEqual(kinds, ['created', 'started', 'output', 'exited'])
    const exited = items.at(-1)?.item
    assert.ok(exited?.$case === 'exited' && exited.value.exitCode === 3)
    assert.deepEqual((await runtime.client.list({ all: true })).containers, [])
    await eventually(() => runtime.roots.prepared.size === 0 && runtime.sandboxes.made.size === 0)
    const types = runtime.events().map(({ type }) => type)
    assert.deepEqual(types, ['container.created', 'container.started', 'container.exited', 'container.removed'])
  })

  test('stays after a run without auto_remove, and when its program cannot be executed', async () => {
    runtime.monitors.onLaunch = (monitor) => void monitor.fail(LaunchStep.EXEC, ENOENT, 'nope')
    const run = (autoRemove: boolean) => collect(runtime.client.run({ create: { spec: { image: 'box', autoRemove } } }))
    await assert.rejects(run(false), refusedWith('COMMAND_NOT_FOUND'))
    assert.equal((await runtime.client.list({ all: true })).containers.length, 1)
    await assert.rejects(run(true), refusedWith('COMMAND_NOT_FOUND'))
    assert.equal((await runtime.client.list({ all: true })).containers.length, 1)
    await eventually(() => runtime.roots.prepared.size === 1 && runtime.sandboxes.made.size === 0)
  })

  test('goes on when the client of a run goes away', async () => {
    const gone = new AbortController()
    const stream = runtime.client.run({ create: { name: 'left', spec: { image: 'box' } } }, { signal: gone.signal })
    await assert.rejects(async () => {
      for await (const { item } of stream) if (item?.$case === 'started') gone.abort()
    })
    assert.equal((await runtime.client.get({ container: 'left' })).state, ContainerState.RUNNING)
  })

  test('gives back what other services hold, as soon as they answer', async () => {
    const { id } = await make('owing')
    runtime.roots.failure = unavailableNow()
    await runtime.client.remove({ container: id })
    await assert.rejects(runtime.client.get({ container: id }), refusedWith('CONTAINER_NOT_FOUND'))
    assert.equal(runtime.roots.prepared.size, 1)
    runtime.roots.failure = undefined
    await eventually(() => runtime.roots.prepared.size === 0)
  })

  test('asks for a root of a limited size, and remembers the limit', async () => {
    for (const [name, bytes] of [
      ['limited', 1 << 20],
      ['free', 0],
    ] as const) {
      const { id } = await make(name, { storageBytes: bytes })
      const { spec } = await runtime.client.get({ container: id })
      assert.deepEqual([spec?.storageBytes, runtime.roots.uses.get(id)?.storageBytes ?? 0], [bytes, bytes])
    }
    await assert.rejects(make('fixed', { storageBytes: 1, readOnlyRoot: true }), refusedWith('INVALID_FIELD'))
    await assert.rejects(make('negative', { storageBytes: -1 }), refusedWith('INVALID_FIELD'))
  })

  test('publishes ports, of the image too when told, and shows those that were chosen', async () => {
    runtime.roots.config = { ...IMAGE_CONFIG, exposedPorts: ['80', '53/udp'] }
    const port = { hostAddress: '127.0.0.1', hostPort: 8080, containerPort: 80 }
    const { id } = await make('one', { network: { ports: [port], publishAll: true } })
    await runtime.client.start({ container: id })
    const asked = runtime.sandboxes.made.get(id)?.network.ports
    assert.deepEqual(
      asked?.map(({ transport, hostPort, containerPort }) => [transport, hostPort, containerPort]),
      [
        ['tcp', 8080, 80],
        ['udp', 0, 53],
      ],
    )
    const { sandbox, spec } = await runtime.client.get({ container: id })
    const shown = { hostAddress: '', count: 1, protocol: Protocol.UDP, containerPort: 53 }
    assert.deepEqual(sandbox?.ports, [
      { ...port, count: 1, protocol: Protocol.TCP },
      { ...shown, hostPort: 40_000 },
    ])
    assert.deepEqual(spec?.network?.ports[1], { ...shown, hostPort: 0 })
    assert.equal(spec?.network?.publishAll, true)
  })

  test('a run with all ports of its image published asks for them', async () => {
    runtime.roots.config = { ...IMAGE_CONFIG, exposedPorts: ['80'] }
    const spec = { image: 'box', network: { publishAll: true }, autoRemove: true }
    const steps = runtime.client.run({ create: { name: 'one', spec }, detach: true })
    for await (const { item } of steps)
      if (item?.$case === 'created')
        await eventually(() => runtime.sandboxes.made.get(item.value.id)?.network.ports?.length === 1)
  })

  test('refuses what this version does not do, naming the field', async () => {
    const cases: [object, string][] = [
      [{ restart: { kind: RestartPolicyKind.ALWAYS } }, 'spec.restart'],
      [{ healthCheck: { test: ['CMD', 'true'] } }, 'spec.health_check'],
      [{ mounts: [{ kind: MountKind.IMAGE, source: 'v', target: '/v' }] }, 'spec.mounts[0].kind'],
      [{ pidNamespace: { mode: NamespaceMode.CONTAINER, container: 'x' } }, 'spec.pid_namespace.container'],
      [{ cgroupParent: '/x' }, 'spec.cgroup_parent'],
    ]
    for (const [spec, field] of cases)
      await assert.rejects(make('no', spec), (error) => {
        assert.ok(error instanceof CaissonError && error.code === 'unimplemented')
        assert.equal(error.details['field'], field)
        return true
      })
    assert.deepEqual((await runtime.client.list({ all: true })).containers, [])
  })

  test('refuses malformed input, naming the field', async () => {
    const cases: [object, string][] = [
      [{ network: { mode: SandboxMode.NONE, ports: [{ containerPort: 80 }] } }, 'spec.network.ports'],
      [{ process: { env: ['A\0B=1'] } }, 'spec.process.env[0]'],
      [{ process: { workingDir: 'relative' } }, 'spec.process.working_dir'],
      [{ process: { rlimits: [{ name: 'nofiles', soft: 1, hard: 1 }] } }, 'spec.process.rlimits[0].name'],
      [{ mounts: [{ kind: MountKind.BIND, source: 'x', target: '/x' }] }, 'spec.mounts[0].source'],
      [{ mounts: [{ kind: MountKind.TMPFS, target: '/' }] }, 'spec.mounts[0].target'],
      [{ resources: { memoryBytes: 4_096 } }, 'spec.resources.memory_bytes'],
      [{ resources: { nanoCpus: 1, cpuQuotaUs: 1 } }, 'spec.resources.nano_cpus'],
      [{ hostname: '-x' }, 'spec.hostname'],
      [{ labels: { 'a=b': 'c' } }, 'spec.labels'],
    ]
    for (const [spec, field] of cases)
      await assert.rejects(make('no', spec), (error) => {
        assert.ok(error instanceof CaissonError && error.code === 'invalid-argument', String(error))
        assert.equal(error.details['field'], field)
        return true
      })
    await assert.rejects(make('../x'), refusedWith('INVALID_FIELD'))
    for (const user of ['4294967296', '-1', '0x0', ' 0', '65536', 'root:99999999999', 'a:b:c'])
      await assert.rejects(make('no', { process: { user } }), refusedWith('INVALID_USER'))
    runtime.roots.config = { ...runtime.roots.config, user: '70000' }
    await assert.rejects(make('no'), refusedWith('INVALID_USER'))
  })

  test('says what was loosened', async () => {
    const { id } = await make('loose', {
      security: { capAdd: ['cap_net_admin'], noNewPrivileges: false, seccompProfile: 'unconfined' },
      resources: { pidsLimit: 0 },
    })
    const { loosened } = await runtime.client.get({ container: id })
    const expected = ['cap_add=NET_ADMIN', 'no_new_privileges=false', 'seccomp=unconfined', 'pids_limit=none']
    assert.deepEqual(loosened, expected)
    const plain = await runtime.client.get({ container: (await make('plain')).id })
    assert.deepEqual(plain.loosened, [])
  })
})
