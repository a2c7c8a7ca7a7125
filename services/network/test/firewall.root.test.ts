import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '@caisson/service-kit'
import { inNamespaces } from '@caisson/testkit'
import { Firewall } from '../src/host/firewall.ts'
import type { BridgeNetwork } from '../src/network/network.ts'
import type { Publication } from '../src/publishing/published-port.ts'
import { run } from './engine.ts'

const skip = inNamespaces()
const log = createLogger('network', 'fatal')

const network: BridgeNetwork = {
  id: 'n',
  name: 'bridge',
  driver: 'bridge',
  builtin: true,
  labels: {},
  options: {},
  createdAt: 1n,
  origin: undefined,
  bridge: {
    name: 'csnabcdef',
    subnet: { base: 0x0a580000, prefixLength: 16 },
    gateway: 0x0a580001,
    range: { base: 0x0a580000, prefixLength: 16 },
    auxiliary: {},
    mtu: 1500,
    isolated: false,
    internal: false,
    masquerade: true,
  },
}

/** Lines in any order: sets have none. */
const sorted = (rules: string): string[] =>
  rules
    .split(/[\n,{}]/)
    .map((line) => line.trim())
    .toSorted()

test('what the kernel has is what was meant, read by another program', { skip }, () => {
  using firewall = new Firewall('abcdef', log)
  firewall.program([network], [])
  const rules = run('nft list ruleset')
  for (const rule of [
    'elements = { "csnabcdef" }',
    'elements = { "csnabcdef" . "csnabcdef" : accept }',
    'iifname @without_metadata ip daddr 169.254.169.254 counter packets 0 bytes 0 drop',
    'oifname @bridges ct state established,related accept',
    'iifname . oifname vmap @pairs',
    'oifname @bridges counter packets 0 bytes 0 drop',
    'iifname @bridges oifname "csn*" counter packets 0 bytes 0 drop',
    'ip saddr 10.88.0.0/16 oifname != "csnabcdef" counter packets 0 bytes 0 masquerade',
    'iifname != "cspabcdef*" accept',
  ])
    assert.ok(rules.includes(rule), `${rule}\n${rules}`)
})

test('replacing the rules leaves one set of them, and no network leaves none', { skip }, () => {
  using firewall = new Firewall('abcdef', log)
  firewall.program([network], [])
  firewall.program([network], [])
  assert.equal(run('nft list ruleset').match(/oifname != "csnabcdef" .* masquerade/g)?.length, 1)
  firewall.program([], [])
  assert.equal(run('nft list ruleset'), '')
})

test('a network that comes alone, and goes alone, leaves what all at once would', { skip }, () => {
  const other: BridgeNetwork = {
    ...network,
    id: 'm',
    name: 'vault',
    bridge: {
      ...network.bridge,
      name: 'csnabcdef123456',
      subnet: { base: 0x0a070000, prefixLength: 24 },
      internal: true,
    },
  }
  using firewall = new Firewall('abcdef', log)
  assert.equal(firewall.addNetwork(network), false, 'there are no tables yet')
  const rulesOf = (...networks: BridgeNetwork[]): string => {
    firewall.program(networks, [])
    return run('nft list ruleset')
  }
  const [both, one] = [rulesOf(network, other), rulesOf(network)]
  assert.match(both, /ip saddr vmap|@sources/)
  assert.ok(firewall.addNetwork(other))
  assert.deepEqual(sorted(run('nft list ruleset')), sorted(both))
  assert.ok(firewall.addNetwork(other), 'the second time nothing changes')
  assert.deepEqual(sorted(run('nft list ruleset')), sorted(both))
  assert.ok(firewall.removeNetworks([other]))
  assert.deepEqual(sorted(run('nft list ruleset')), sorted(one))
  assert.equal(firewall.removeNetworks([other]), false, 'what is not there has to be looked at as a whole')
  assert.deepEqual(sorted(run('nft list ruleset')), sorted(one), 'and nothing has changed')
  firewall.program([], [])
})

test('another run takes over the tables of one that ended', { skip }, () => {
  const first = new Firewall('abcdef', log)
  first.program([network], [])
  first[Symbol.dispose]()
  assert.match(run('nft list tables'), /inet caisson_abcdef/)
  using second = new Firewall('abcdef', log)
  second.program([network], [])
  assert.equal(run('nft list ruleset').match(/oifname != "csnabcdef" .* masquerade/g)?.length, 1)
  second.program([], [])
})

test('where rules cannot be protected their loss is told at once', { skip, timeout: 10_000 }, async () => {
  using firewall = new Firewall('abcdef', log, { owned: false })
  const published: Publication = {
    sandboxId: 'one',
    address: 0x0a580002,
    portName: 'cspabcdef000000',
    ports: [{ transport: 'tcp', hostAddress: undefined, hostPort: 8080, containerPort: 80, count: 1 }],
  }
  firewall.program([network], [], [published])
  let losses = 0
  using _watch = firewall.watch(() => {
    losses++
    firewall.program([network], [], [published])
  })
  run('nft flush ruleset')
  while (losses === 0) await sleep(10)
  assert.match(run('nft list ruleset'), /masquerade/)
  assert.match(run('nft list map inet caisson_abcdef published_any'), /tcp \. 8080 : 10\.88\.0\.2 \. 80/)
  await sleep(100)
  assert.equal(losses, 1, 'its own change is no loss')
})
