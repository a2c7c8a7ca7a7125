import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Partially } from '@caisson/api'
import type { Container } from '@caisson/api/container'
import { type Attachment, SandboxMode } from '@caisson/api/network'
import { TAKEN_ADDRESS, unavailableNow } from './fakes.ts'
import { eventually, RuntimeFixture } from './fixture.ts'

describe('connecting a container to networks', () => {
  let runtime: RuntimeFixture
  beforeEach(async () => {
    runtime = await RuntimeFixture.start()
  })
  afterEach(() => runtime[Symbol.asyncDispose]())

  const made = async (name: string, network: object = {}): Promise<string> =>
    (await runtime.client.create({ name, spec: { image: 'box', network } })).id
  const started = async (name: string, network: object = {}): Promise<string> => {
    const id = await made(name, network)
    await runtime.client.start({ container: id })
    return id
  }
  const connect = (container: string, attachment: Partially<Attachment>): Promise<Container> =>
    runtime.client.connectNetwork({ container, attachment })
  const disconnect = (container: string, network: string): Promise<Container> =>
    runtime.client.disconnectNetwork({ container, network })
  const recorded = async (container: string): Promise<string[]> =>
    (await runtime.client.get({ container })).spec?.network?.attachments.map(({ network }) => network) ?? []
  const endpoints = async (container: string): Promise<string[]> =>
    (await runtime.client.get({ container })).sandbox?.endpoints.map(({ networkName }) => networkName) ?? []
  const standing = (id: string): string[] => (runtime.sandboxes.connected.get(id) ?? []).map(({ name }) => name)
  const file = (id: string, name = 'hosts'): string => join(runtime.dir, 'containers', id, name)
  const hosts = (id: string): string => readFileSync(file(id), 'utf8')
  const end = async (id: string): Promise<void> => {
    await runtime.monitors.of({ id }).exit(0)
    await eventually(async () => (await runtime.client.get({ container: id })).exit !== undefined)
    await eventually(() => !runtime.sandboxes.made.has(id))
  }

  test('one that runs is connected at once, and is on the same networks when it starts again', async () => {
    const id = await started('web')
    const wish = { network: 'front', ipv4Address: '10.1.0.9', aliases: ['shop'] }
    const { sandbox, spec } = await connect('web', wish)
    assert.deepEqual(
      sandbox?.endpoints.map(({ networkName }) => networkName),
      ['bridge', 'front'],
    )
    assert.deepEqual(standing(id), ['bridge', 'front'])
    assert.equal(spec?.network?.attachments[1]?.ipv4Address, '10.1.0.9')
    assert.deepEqual(runtime.story(id), ['created', 'started', 'updated'])
    await end(id)
    await runtime.client.start({ container: id })
    assert.deepEqual(standing(id), ['bridge', 'front'])
    assert.deepEqual(runtime.sandboxes.made.get(id)?.network.attachments[1]?.aliases, ['shop'])
    await disconnect('web', 'front')
    assert.deepEqual([await endpoints('web'), standing(id), await recorded('web')], [['bridge'], ['bridge'], ['']])
  })

  test('one that does not run is on them when it starts', async () => {
    const id = await made('web', { attachments: [{ network: 'front' }] })
    await connect('web', { network: '2'.repeat(64) })
    assert.deepEqual(await recorded('web'), ['front', 'back'])
    await disconnect('web', 'front')
    await runtime.client.start({ container: id })
    assert.deepEqual(standing(id), ['back'])
  })

  test('out of its last network it is on none, also when it starts again, until it is connected', async () => {
    const id = await started('web')
    const { spec } = await disconnect('web', '')
    assert.equal(spec?.network?.unconnected, true)
    await end(id)
    await runtime.client.start({ container: id })
    assert.deepEqual(standing(id), [])
    await connect('web', { network: 'back' })
    assert.deepEqual([standing(id), await recorded('web')], [['back'], ['back']])
  })

  test('its files change where they are, and keep what it wrote', async () => {
    const id = await started('web')
    const before = statSync(file(id))
    appendFileSync(file(id), '9.9.9.9 db\n')
    await connect('web', { network: 'front' })
    assert.equal(hosts(id), '127.0.0.1 localhost\n10.0.0.1 on-bridge\n9.9.9.9 db\n10.0.0.1 on-front\n')
    await disconnect('web', 'bridge')
    assert.equal(hosts(id), '127.0.0.1 localhost\n9.9.9.9 db\n10.0.0.1 on-front\n')
    const after = statSync(file(id))
    assert.deepEqual([after.ino, after.mode & 0o777], [before.ino, 0o644])
  })

  test('a file that grew beyond all measure is left alone, and the container is connected', async () => {
    const id = await started('web')
    writeFileSync(file(id), '#'.repeat(2 << 20))
    await connect('web', { network: 'front' })
    assert.equal(statSync(file(id)).size, 2 << 20)
    assert.deepEqual(standing(id), ['bridge', 'front'])
  })

  test('refuses what cannot be, and changes nothing then', async () => {
    const id = await started('web')
    await made('idle')
    await made('alone', { mode: SandboxMode.NONE })
    for (const container of ['web', 'idle']) {
      const refusals: readonly (readonly [Promise<unknown>, string])[] = [
        [connect(container, { network: 'nowhere' }), 'NETWORK_NOT_FOUND'],
        [connect(container, { network: 'bridge' }), 'ALREADY_CONNECTED'],
        [connect(container, { network: 'host' }), 'NOT_A_BRIDGE'],
        [connect(container, { network: 'front', ipv4Address: '10.9.0.1' }), 'ADDRESS_OUT_OF_RANGE'],
        [connect(container, { network: 'front', ipv4Address: 'here' }), 'INVALID'],
        [connect(container, { network: 'front', macAddress: '01:00:00:00:00:01' }), 'INVALID'],
        [disconnect(container, 'front'), 'NOT_CONNECTED'],
        [disconnect(container, 'nowhere'), 'NETWORK_NOT_FOUND'],
      ]
      for (const [call, reason] of refusals) await assert.rejects(call, { reason })
      assert.deepEqual(await recorded(container), [])
    }
    await assert.rejects(connect('web', { network: 'front', ipv4Address: TAKEN_ADDRESS }), { reason: 'ADDRESS_IN_USE' })
    await assert.rejects(connect('alone', { network: 'front' }), { reason: 'NOT_CONNECTABLE' })
    await assert.rejects(disconnect('alone', 'front'), { reason: 'NOT_CONNECTABLE' })
    await assert.rejects(connect('nobody', { network: 'front' }), { reason: 'CONTAINER_NOT_FOUND' })
    assert.deepEqual(standing(id), ['bridge'])
    assert.deepEqual(runtime.story(id), ['created', 'started'])
  })

  test('a network that is gone can be left', async () => {
    await made('web', { attachments: [{ network: 'front' }, { network: 'back' }] })
    runtime.sandboxes.networks.splice(1, 1)
    await disconnect('web', 'front')
    assert.deepEqual(await recorded('web'), ['back'])
  })

  test('a call whose outcome is not known is put in order by itself', async () => {
    const id = await started('web')
    runtime.sandboxes.failureAfter = unavailableNow()
    await assert.rejects(connect('web', { network: 'front' }), { code: 'unavailable' })
    await eventually(() => standing(id).join() === 'bridge')
    await connect('web', { network: 'front' })
    runtime.sandboxes.failureAfter = unavailableNow()
    await assert.rejects(disconnect('web', 'front'), { code: 'unavailable' })
    await eventually(async () => (await endpoints('web')).join() === 'bridge')
    assert.deepEqual([standing(id), await recorded('web')], [['bridge'], ['']])
    assert.ok(!hosts(id).includes('on-front'))
  })

  test('what a crash left half done is brought together at the next start', async () => {
    const id = await started('web')
    const [bridge, front, back] = runtime.sandboxes.networks
    assert.ok(bridge && front && back)
    await connect('web', { network: 'back' })
    // Connected to front and not written down; taken out of back, and that not written down either.
    runtime.sandboxes.connected.set(id, [bridge, front])
    writeFileSync(file(id), '127.0.0.1 localhost\n10.0.0.1 on-bridge\n')
    await runtime.halt()
    await runtime.boot()
    await runtime.service.agreeOnNetworks(AbortSignal.timeout(5_000))
    assert.deepEqual(
      [standing(id), await endpoints('web')],
      [
        ['bridge', 'back'],
        ['bridge', 'back'],
      ],
    )
    assert.equal(hosts(id), '127.0.0.1 localhost\n10.0.0.1 on-bridge\n10.0.0.1 on-back\n')
  })

  test('what an earlier start left, made for other networks, is made anew', async () => {
    const id = await made('web', { attachments: [{ network: 'front' }] })
    const left = { id, name: 'web', hostname: '', labels: {}, network: { mode: 'none', attachments: [] } }
    runtime.sandboxes.made.set(id, left as never)
    await runtime.client.start({ container: id })
    assert.deepEqual(standing(id), ['front'])
  })

  test('when its network is lost it can be taken out by force, and is without it when it starts again', async () => {
    const id = await started('web', { attachments: [{ network: 'front' }, { network: 'back' }] })
    runtime.sandboxes.made.delete(id)
    await assert.rejects(disconnect('web', 'front'), { reason: 'SANDBOX_NOT_FOUND' })
    assert.deepEqual(await recorded('web'), ['front', 'back'])
    await runtime.client.disconnectNetwork({ container: 'web', network: 'front', force: true })
    assert.deepEqual(await recorded('web'), ['back'])
  })

  test('a change in between a crash and the start that mends it does not stumble over what is left', async () => {
    const id = await started('web')
    const [bridge, front] = runtime.sandboxes.networks
    assert.ok(bridge && front)
    runtime.sandboxes.connected.set(id, [bridge, front])
    await connect('web', { network: 'front' })
    assert.deepEqual(
      [standing(id), await recorded('web')],
      [
        ['bridge', 'front'],
        ['', 'front'],
      ],
    )
  })
})
