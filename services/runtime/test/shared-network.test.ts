import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Partially } from '@caisson/api'
import type { ContainerSpec } from '@caisson/api/container'
import { SandboxMode } from '@caisson/api/network'
import { eventually, RuntimeFixture } from './fixture.ts'

describe('a container that shares the network of another', () => {
  let runtime: RuntimeFixture
  beforeEach(async () => {
    runtime = await RuntimeFixture.start()
  })
  afterEach(() => runtime[Symbol.asyncDispose]())

  const started = async (name: string, spec: Partially<ContainerSpec> = {}): Promise<string> => {
    const { id } = await runtime.client.create({ name, spec: { image: 'box', ...spec } })
    await runtime.client.start({ container: id })
    return id
  }
  const sharing = (container: string): Partially<ContainerSpec> => ({
    network: { mode: SandboxMode.SHARED, container },
  })
  const file = (id: string, name: string): string => readFileSync(join(runtime.dir, 'containers', id, name), 'utf8')
  const end = async (id: string): Promise<void> => {
    await runtime.monitors.of({ id }).exit(0)
    await eventually(async () => (await runtime.client.get({ container: id })).exit !== undefined)
  }

  test('has its names and files, and is shown with its id', async () => {
    const web = await started('web', { hostname: 'shop', domainname: 'lan' })
    const side = await started('side', sharing('web'))
    const { spec, sandbox, env, loosened } = await runtime.client.get({ container: 'side' })
    assert.deepEqual([spec?.network?.mode, spec?.network?.container], [SandboxMode.SHARED, web])
    assert.deepEqual([spec?.hostname, spec?.domainname], ['shop', 'lan'])
    assert.ok(env.includes('HOSTNAME=shop'))
    assert.deepEqual([sandbox?.mode, sandbox?.endpoints, sandbox?.ports], [SandboxMode.SHARED, [], []])
    assert.ok(loosened.includes(`netns=container:${web}`))
    assert.equal(runtime.sandboxes.made.get(side)?.network.container, web)
    for (const name of ['hostname', 'hosts', 'resolv.conf']) assert.equal(file(side, name), file(web, name))
  })

  test('finds it by its id when it is started again, whatever it is called by then', async () => {
    const web = await started('web')
    const side = await started('side', sharing(web.slice(0, 12)))
    await end(side)
    await runtime.client.rename({ container: 'web', name: 'other' })
    await started('web')
    await runtime.client.start({ container: side })
    assert.equal(runtime.sandboxes.made.get(side)?.network.container, web)
  })

  test('does not start without it', async () => {
    const web = await started('web')
    await end(web)
    const { id } = await runtime.client.create({ name: 'side', spec: { image: 'box', ...sharing('web') } })
    await assert.rejects(runtime.client.start({ container: id }), {
      code: 'failed-precondition',
      reason: 'NETWORK_CONTAINER_NOT_RUNNING',
      message: /does not run: start web first/,
    })
    await runtime.client.start({ container: web })
    await runtime.client.start({ container: id })
    await end(id)
    await end(web)
    await runtime.client.remove({ container: web })
    await assert.rejects(runtime.client.start({ container: id }), { reason: 'CONTAINER_NOT_FOUND' })
    const nobody = runtime.client.create({ spec: { image: 'box', ...sharing('nobody') } })
    await assert.rejects(nobody, { reason: 'CONTAINER_NOT_FOUND' })
  })

  test('does not get into the network of the host that way', async () => {
    await started('web', { network: { mode: SandboxMode.HOST } })
    const { id } = await runtime.client.create({ spec: { image: 'box', ...sharing('web') } })
    await assert.rejects(runtime.client.start({ container: id }), { reason: 'NETWORK_CONTAINER_ON_HOST' })
  })

  test('refuses everything that is the other one’s', async () => {
    await started('web')
    const network = { mode: SandboxMode.SHARED, container: 'web' }
    const dns = { servers: [], search: [], options: [], extraHosts: {} }
    const wrong: readonly (readonly [Partially<ContainerSpec>, string, RegExp])[] = [
      [{ hostname: 'x' }, 'spec.hostname', /hostname and the network mode/],
      [{ domainname: 'x' }, 'spec.domainname', /domainname and the network mode/],
      [{ sysctls: { 'net.core.somaxconn': '9' } }, 'spec.sysctls', /settings of the network/],
      [{ network: { ...network, ports: [{ containerPort: 80 }] } }, 'spec.network.ports', /port publishing/],
      [{ network: { ...network, publishAll: true } }, 'spec.network.ports', /port publishing/],
      [{ network: { ...network, attachments: [{ network: 'front' }] } }, 'spec.network.attachments', /networks/],
      [{ network: { ...network, attachments: [{ macAddress: 'x' }] } }, 'spec.network.attachments', /mac-address/],
      [{ network: { ...network, dns: { ...dns, servers: ['9.9.9.9'] } } }, 'spec.network.dns', /dns and/],
      [
        { network: { ...network, dns: { ...dns, extraHosts: { a: '9.9.9.9' } } } },
        'spec.network.dns.extra_hosts',
        /host-to-IP/,
      ],
      [{ network: { mode: SandboxMode.SHARED } }, 'spec.network.container', /missing/],
      [{ network: { container: 'web' } }, 'spec.network.container', /SHARED only/],
      [{ network: { unconnected: true } }, 'spec.network.unconnected', /not done/],
    ]
    for (const [change, field, why] of wrong)
      await assert.rejects(
        runtime.client.create({ spec: { image: 'box', network, ...change } }),
        (error: { details?: { field?: string }; message: string }) => {
          assert.equal(error.details?.field, field)
          assert.match(error.message, why)
          return true
        },
      )
  })

  test('sees what its network is connected to, and cannot be connected itself', async () => {
    const web = await started('web')
    const side = await started('side', sharing('web'))
    const stranger = await started('stranger')
    runtime.sandboxes.namespacePath = '/proc/1/ns/net'
    await runtime.client.connectNetwork({ container: 'web', attachment: { network: 'front' } })
    assert.match(file(web, 'hosts'), /on-front/)
    assert.equal(file(side, 'hosts'), file(stranger, 'hosts'), 'their namespace is another one now')
    runtime.sandboxes.namespacePath = '/proc/self/ns/net'
    await runtime.client.connectNetwork({ container: 'web', attachment: { network: 'back' } })
    assert.equal(file(side, 'hosts'), file(web, 'hosts'))
    assert.doesNotMatch(file(stranger, 'hosts'), /on-front/)
    const itself = runtime.client.connectNetwork({ container: 'side', attachment: { network: 'front' } })
    await assert.rejects(itself, { reason: 'NOT_CONNECTABLE' })
  })
})
