import type { CommandSpec } from '../spec.ts'

/** Commands that concern networks. */
export const NETWORK_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'network ls',
    aliases: ['network list'],
    group: 'Networks',
    summary: 'list networks',
    description:
      'Lists networks. Filters: id=, name=, label=NAME[=value], driver=, dangling=true|false (whether nothing uses it).',
    options: [
      { flags: '-q, --quiet', help: 'only ids' },
      { flags: '-f, --filter <filter>', help: 'only some of them', many: true },
      { flags: '--no-trunc', help: 'shorten nothing' },
    ],
    examples: [{ command: 'caisson network ls', shows: 'list networks' }],
    load: async () => (await import('../actions/network-ls.ts')).networkLs,
  },
  {
    name: 'network create',
    group: 'Networks',
    args: '<name>',
    summary: 'make a network',
    description:
      'Makes a network: a bridge of its own, whose containers reach one another and outside, and nothing of another ' +
      'network. Its id is printed. Without --subnet it gets one that neither the host nor another network uses. Of ' +
      "Docker's options it knows com.docker.network.bridge.name, bridge.enable_icc, bridge.enable_ip_masquerade and " +
      'driver.mtu.',
    options: [
      { flags: '-d, --driver <driver>', help: 'bridge (default)' },
      { flags: '--subnet <subnet>', help: 'subnet: 10.1.0.0/24' },
      { flags: '--gateway <address>', help: 'address of the host on it (default: the first of the subnet)' },
      { flags: '--ip-range <subnet>', help: 'part of the subnet that addresses are taken from' },
      { flags: '--aux-address <name>', help: 'address that is never given out: NAME=ADDRESS', many: true },
      { flags: '--internal', help: 'nothing leads outside, not even to the host' },
      { flags: '--ipv6', help: 'with IPv6' },
      { flags: '--mtu <bytes>', help: 'greatest packet (default: that of the interface that leads outside)' },
      { flags: '-o, --opt <option>', help: 'option of the driver: NAME=value', many: true },
      { flags: '--label <label>', help: 'label: NAME=value', many: true },
    ],
    examples: [
      { command: 'caisson network create front', shows: 'make a network' },
      { command: 'caisson network create --internal --subnet 10.1.0.0/24 vault', shows: 'one that leads nowhere' },
    ],
    load: async () => (await import('../actions/network-create.ts')).networkCreate,
  },
  {
    name: 'network inspect',
    group: 'Networks',
    args: '<network...>',
    summary: 'show all about networks',
    description:
      'Prints one JSON array of everything that is known of networks: the message Network of the contract in the JSON ' +
      'form of protocol buffers, and the endpoints of running containers on it with their names, by id.',
    examples: [{ command: 'caisson network inspect bridge', shows: 'look at the default network' }],
    load: async () => (await import('../actions/network-inspect.ts')).networkInspect,
  },
  {
    name: 'network rm',
    aliases: ['network remove'],
    group: 'Networks',
    args: '<network...>',
    summary: 'remove networks',
    description:
      'Removes networks. One that a running container is on is refused, and so are bridge, host and none. A container that ' +
      'does not run and is to be on it does not start any more, until there is such a network again or it was taken out.',
    examples: [{ command: 'caisson network rm front', shows: 'remove a network' }],
    load: async () => (await import('../actions/network-changes.ts')).networkRm,
  },
  {
    name: 'network prune',
    group: 'Networks',
    summary: 'remove networks that nothing uses',
    description:
      'Removes every network that no container uses, but for bridge, host and none. A container that does not run uses the ' +
      'networks that it is on when it runs. It asks first, on a terminal.',
    options: [
      { flags: '--filter <filter>', help: 'only some of them: label=NAME[=value]', many: true },
      { flags: '-f, --force', help: 'do not ask' },
    ],
    examples: [{ command: 'caisson network prune -f', shows: 'remove what nothing uses' }],
    load: async () => (await import('../actions/network-changes.ts')).networkPrune,
  },
  {
    name: 'network connect',
    group: 'Networks',
    args: '<network> <container>',
    summary: 'connect a container to one more network',
    description:
      'Connects a container to one more network, running or not. It is on it again, with the same options, whenever it ' +
      'starts. With --format json the container is printed.',
    options: [
      { flags: '--ip <address>', help: 'IPv4 address (default: the next free one)' },
      { flags: '--mac-address <address>', help: 'MAC address' },
      { flags: '--alias <name>', help: 'one more name on this network', many: true },
      { flags: '--gw-priority <number>', help: 'the network with the highest gives the default route (default: 0)' },
    ],
    examples: [{ command: 'caisson network connect --ip 10.1.0.9 vault web', shows: 'connect a container' }],
    load: async () => (await import('../actions/network-changes.ts')).networkConnect,
  },
  {
    name: 'network disconnect',
    group: 'Networks',
    args: '<network> <container>',
    summary: 'take a container out of a network',
    description:
      'Takes a container out of a network, running or not. Out of its last one it only has loopback, also when it starts ' +
      'again, until it is connected. With --format json the container is printed.',
    options: [{ flags: '-f, --force', help: 'also when its network namespace is gone' }],
    examples: [{ command: 'caisson network disconnect vault web', shows: 'take a container out' }],
    load: async () => (await import('../actions/network-changes.ts')).networkDisconnect,
  },
]
