import assert from 'node:assert/strict'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import type { Partially } from '@caisson/api'
import type { Attachment, CreateSandboxRequest, Sandbox } from '@caisson/api/network'
import { inNamespaces } from '@caisson/testkit'
import { pings, run } from '../engine.ts'
import { newRoot, type ServiceProcess, startService, stopService } from '../service-process.ts'
import { Asker } from './asking.ts'
import { resolversOf, until } from './stage.ts'
import { answerWith, startUpstream, type Upstream } from './upstream.ts'

// The service as a process, its resolver, and whoever asks inside sandboxes.

const skip = inNamespaces()
const hosted = { skip, timeout: 120_000 }

/** A service whose host is what the test says, and who asks in its sandboxes. Leaves nothing. */
class House implements AsyncDisposable {
  readonly root = newRoot({ poolSize: 2, barePoolSize: 0 })
  readonly #stack = new AsyncDisposableStack()
  #served: ServiceProcess | undefined

  get runDir(): string {
    return join(this.root, 'run')
  }

  get served(): ServiceProcess {
    assert.ok(this.#served)
    return this.#served
  }

  async start(): Promise<void> {
    this.#served = await startService(this.root)
  }

  async kill(): Promise<void> {
    await stopService(this.served, 'SIGKILL')
  }

  create(
    name: string,
    attachments: readonly Partially<Attachment>[],
    partial: Partially<CreateSandboxRequest> = {},
  ): Promise<Sandbox> {
    return this.served.sandboxes.create({ id: `${name}-id`, name, attachments, ...partial })
  }

  asker({ namespacePath }: Sandbox): Asker {
    return this.#stack.use(new Asker(namespacePath))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
    const { sandboxes, networks } = this.served
    for (const { id } of (await sandboxes.list({})).sandboxes) await sandboxes.delete({ id })
    await networks.prune({})
    assert.equal(await stopService(this.served, 'SIGTERM'), 0)
    await until('the resolver ends with the last namespace', () => resolversOf(this.runDir).length === 0)
    rmSync(this.root, { recursive: true })
  }
}

/** The host's name servers, as an administrator changes them. */
function nameOnHost(...servers: string[]): void {
  writeFileSync('/etc/resolv.conf.new', servers.map((server) => `nameserver ${server}\n`).join(''))
  renameSync('/etc/resolv.conf.new', '/etc/resolv.conf')
}

/** A name server of the host on port 53 of an address of its loopback. */
const upstreamAt = (address: string, answer: string): Promise<Upstream> =>
  startUpstream(({ message, reply }) => reply(answerWith(message, answer)), undefined, address, 53)

const addressOf = ({ endpoints }: Sandbox, index = 0): string => endpoints[index]?.ipv4Address.split('/')[0] ?? ''

before(() => {
  if (skip) return
  run(`ip link set lo up; mount -t sysfs sysfs /sys
    mkdir -p /tmp/caisson-etc.$$; cp -a /etc/. /tmp/caisson-etc.$$; mount --bind /tmp/caisson-etc.$$ /etc`)
  run('rm -f /etc/resolv.conf')
  nameOnHost('127.0.0.53')
})

test('containers find one another by name, alias and address, on their networks alone', hosted, async () => {
  await using house = new House()
  await house.start()
  for (const name of ['front', 'back']) await house.served.networks.create({ name })
  const one = await house.create('one', [{ network: 'front', aliases: ['app'] }])
  const two = await house.create('two', [{ network: 'front', aliases: ['app'] }, { network: 'back' }])
  const plain = await house.create('plain', [{ network: '' }])
  const other = await house.create('other', [{ network: '' }])
  const [ofOne, ofPlain] = [house.asker(one), house.asker(plain)]
  assert.deepEqual(await ofOne.lookUp('two'), [addressOf(two)])
  assert.deepEqual(await ofOne.lookUp('TWO.front'), [addressOf(two)])
  assert.deepEqual((await ofOne.lookUp('app')).toSorted(), [addressOf(one), addressOf(two)].toSorted())
  const firsts = new Set<string | undefined>()
  for (let tries = 0; tries < 20; tries++) firsts.add((await ofOne.lookUp('app'))[0])
  assert.equal(firsts.size, 2, 'each is first at times')
  const reverse = addressOf(two).split('.').toReversed().join('.')
  assert.deepEqual(await ofOne.lookUp(`${reverse}.in-addr.arpa`, 'PTR'), ['two.front'])
  assert.deepEqual(await ofPlain.lookUp('other'), [addressOf(other)], 'on the default network, too')
  assert.deepEqual(await ofOne.lookUp('host.docker.internal'), [one.endpoints[0]?.ipv4Gateway])
  assert.deepEqual((await ofPlain.ask('two')).answers, [])
  await house.served.sandboxes.connect({ sandboxId: 'plain-id', attachment: { network: 'back' } })
  assert.deepEqual(await ofPlain.lookUp('two'), [addressOf(two, 1)])
  await house.served.sandboxes.disconnect({ sandboxId: 'two-id', network: 'back' })
  assert.deepEqual((await ofPlain.ask('two')).answers, [])
  await house.served.sandboxes.delete({ id: 'two-id' })
  assert.deepEqual(await ofOne.lookUp('app'), [addressOf(one)])
})

test('NET-11: what no network knows is asked from the host, and never for an internal network', hosted, async () => {
  await using upstream = await upstreamAt('127.0.0.53', '192.0.2.1')
  await using house = new House()
  await house.start()
  await house.served.networks.create({ name: 'vault', internal: true })
  const open = house.asker(await house.create('open', [{ network: '' }, { network: 'vault' }]))
  const shut = house.asker(await house.create('shut', [{ network: 'vault' }], { dns: { servers: ['127.0.0.53'] } }))
  assert.deepEqual(await open.lookUp('world.example'), ['192.0.2.1'])
  assert.equal(upstream.heard.length, 1)
  for (const name of ['world.example', 'host.docker.internal', '53.0.0.10.in-addr.arpa']) {
    const { answers, code } = await shut.ask(name)
    assert.deepEqual([answers, code], [[], 3], `${name} is not there`)
  }
  assert.equal((await shut.lookUp('open')).length, 1)
  assert.equal(upstream.heard.length, 1, 'nothing left the network')
})

test("NET-12: what looks like a name of the world is the network's own, and there alone", hosted, async () => {
  await using _ = await upstreamAt('127.0.0.53', '192.0.2.1')
  await using house = new House()
  await house.start()
  for (const name of ['front', 'back']) await house.served.networks.create({ name })
  const shadow = await house.create('shadow', [{ network: 'front', aliases: ['www.world.example'] }])
  const front = house.asker(await house.create('front', [{ network: 'front' }]))
  const back = house.asker(await house.create('back', [{ network: 'back' }]))
  assert.deepEqual(await front.lookUp('www.world.example'), [addressOf(shadow)])
  assert.deepEqual(await back.lookUp('www.world.example'), ['192.0.2.1'])
  assert.deepEqual(await back.lookUp('shadow'), ['192.0.2.1'], 'another network does not know it')
})

test('NET-13: a name that comes to mean a container of another network leads nowhere', hosted, async () => {
  let answer = '192.0.2.1'
  await using _ = await startUpstream(
    ({ message, reply }) => reply(answerWith(message, answer)),
    undefined,
    '127.0.0.53',
    53,
  )
  await using house = new House()
  await house.start()
  for (const name of ['front', 'back']) await house.served.networks.create({ name })
  const attacker = await house.create('attacker', [{ network: 'front' }])
  const [friend, victim] = [
    await house.create('friend', [{ network: 'front' }]),
    await house.create('victim', [{ network: 'back' }]),
  ]
  const asker = house.asker(attacker)
  assert.deepEqual(await asker.lookUp('rebound.example'), ['192.0.2.1'])
  answer = addressOf(victim)
  assert.deepEqual(await asker.lookUp('rebound.example'), [addressOf(victim)])
  assert.ok(pings(attacker.namespacePath, addressOf(friend)))
  assert.ok(!pings(attacker.namespacePath, addressOf(victim)), 'who may reach whom depends on addresses')
})

test(
  "follows the host's name servers when they are replaced, and takes those that were asked for",
  hosted,
  async () => {
    await using _one = await upstreamAt('127.0.0.53', '192.0.2.1')
    await using _two = await upstreamAt('127.0.0.54', '192.0.2.2')
    await using _three = await upstreamAt('127.0.0.55', '192.0.2.3')
    await using house = new House()
    await house.start()
    const plain = house.asker(await house.create('plain', [{ network: '' }]))
    const choosy = house.asker(await house.create('choosy', [{ network: '' }], { dns: { servers: ['127.0.0.55'] } }))
    assert.deepEqual(await plain.lookUp('world.example'), ['192.0.2.1'])
    nameOnHost('127.0.0.54')
    await until('the other one is asked', async () => (await plain.lookUp('world.example'))[0] === '192.0.2.2', 2_000)
    assert.deepEqual(await choosy.lookUp('world.example'), ['192.0.2.3'])
    await house.kill()
    nameOnHost('127.0.0.53')
    await house.start()
    await until('it is seen at the start', async () => (await plain.lookUp('world.example'))[0] === '192.0.2.1', 2_000)
    assert.deepEqual(await choosy.lookUp('world.example'), ['192.0.2.3'])
  },
)

test('killed, the service leaves names as they are, and knows them when it is back', hosted, async () => {
  await using house = new House()
  await house.start()
  const asker = house.asker(await house.create('asker', [{ network: '' }]))
  const web = await house.create('web', [{ network: '', aliases: ['www'] }])
  const [resolver] = resolversOf(house.runDir)
  await house.kill()
  assert.deepEqual(await asker.lookUp('www'), [addressOf(web)])
  const starting = house.start()
  let isBack = false
  const done = starting.then(() => {
    isBack = true
  })
  while (!isBack) assert.deepEqual(await asker.lookUp('www'), [addressOf(web)], 'at every moment')
  await done
  assert.deepEqual(resolversOf(house.runDir), [resolver], 'it is the same resolver')
  await house.served.sandboxes.delete({ id: 'web-id' })
  assert.deepEqual((await asker.ask('www')).answers, [])
  const next = await house.create('next', [{ network: '' }])
  assert.deepEqual(await asker.lookUp('next'), [addressOf(next)])
  assert.deepEqual(await house.asker(next).lookUp('asker'), await asker.lookUp('asker'))
})

test('killed, the resolver comes back with all that it knew, and a start meanwhile waits for it', hosted, async () => {
  await using house = new House()
  await house.start()
  const asker = house.asker(await house.create('asker', [{ network: '' }]))
  const [resolver] = resolversOf(house.runDir)
  assert.ok(resolver !== undefined)
  process.kill(resolver, 'SIGKILL')
  const [web] = await Promise.all([
    house.create('web', [{ network: '' }]),
    until('names are resolved again', async () => (await asker.lookUp('asker').catch(() => [])).length === 1),
  ])
  assert.notEqual(resolversOf(house.runDir)[0], resolver)
  assert.deepEqual(await asker.lookUp('web'), [addressOf(web)])
  assert.deepEqual(await house.asker(web).lookUp('asker'), await asker.lookUp('asker'))
})

test('a namespace that the caller made is served, too, and keeps nothing of it', hosted, async () => {
  await using house = new House()
  await house.start()
  run('mkdir -p /run/caisson-names-own; touch /run/caisson-names-own/ns; unshare --net=/run/caisson-names-own/ns true')
  const rules = (): string => run('nsenter --net=/run/caisson-names-own/ns nft list ruleset')
  try {
    const own = await house.create('own', [{ network: '' }], { namespacePath: '/run/caisson-names-own/ns' })
    assert.deepEqual(await house.asker(own).lookUp('own'), [addressOf(own)])
    assert.match(rules(), /caisson-names/)
    await house.served.sandboxes.delete({ id: 'own-id' })
    await until('its rules are gone', () => rules() === '')
  } finally {
    run('umount /run/caisson-names-own/ns; rm -r /run/caisson-names-own')
  }
})
