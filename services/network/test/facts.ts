import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { formatIpv4 } from '../src/ipam/ipv4.ts'
import type { Endpoint, Sandbox } from '../src/sandbox/sandbox.ts'
import { run, type TestEngine } from './engine.ts'

/** What tests ask of sandboxes, and of the kernel around them. */

export function endpointOf(sandbox: Sandbox, index = 0): Endpoint {
  const endpoint = sandbox.namespace?.endpoints[index]
  assert.ok(endpoint)
  return endpoint
}

export const addressOf = (sandbox: Sandbox, index = 0): string => formatIpv4(endpointOf(sandbox, index).address)

export const pathIn = (engine: TestEngine, sandbox: Sandbox): string =>
  engine.host.namespacePath(sandbox.namespace?.id ?? '')

/** Of the default network. */
export const defaultGateway = (engine: TestEngine): string =>
  formatIpv4(engine.service.networks.connectable('').bridge.gateway)

/** Interfaces of the host. */
export const links = (pattern: RegExp): string[] => readdirSync('/sys/class/net').filter((name) => pattern.test(name))

export async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (holds()) return
    await sleep(25)
  }
  assert.fail(`did not come about: ${what}`)
}

/** Removes every sandbox and network, and stops the engine. */
export async function emptyAndClose(engine: TestEngine): Promise<void> {
  for (const { id } of engine.service.sandboxes.list()) await engine.service.sandboxes.delete(id, 'test')
  await engine.service.userNetworks.prune(() => true, 'test')
  await engine.service.close()
  engine[Symbol.dispose]()
}

/** That an engine that was emptied and closed left no pin, no interface and no rule. */
export async function assertNothingLeft(root: string): Promise<void> {
  assert.deepEqual(readdirSync(join(root, 'run/netns')), [], 'no pin is left')
  await until(() => links(/^cs[np]|^br-/).length === 0, 'no interface is left')
  assert.doesNotMatch(run('nft list tables'), /caisson/)
}

/**
 * A machine outside, with `outside` as its address, behind a link of the host that has `host`; `isRouter`: everything else is
 * there, too. It is the namespace `outside` below /run/netns.
 */
export function connectOutside(host: string, outside: string, isRouter: boolean): void {
  run(`ip netns add outside 2>/dev/null || { mount -t tmpfs tmpfs /run; ip netns add outside; }
    ip link add uplink type veth peer name eth0 netns outside
    ip addr add ${host}/24 dev uplink; ip link set uplink up
    ip -n outside addr add ${outside}/24 dev eth0; ip -n outside link set eth0 up; ip -n outside link set lo up`)
  if (isRouter) run(`ip route add default via ${outside}`)
}
