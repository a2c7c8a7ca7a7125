import { type Finding, fail, ok, warn } from './finding.ts'
import type { Host } from './host.ts'
import { kernelHas } from './kernel-feature.ts'

/** What the default network needs. */
export async function checkNetwork(host: Host): Promise<Finding[]> {
  return [
    await nfTables(host),
    await links(host, 'bridge', 'CONFIG_BRIDGE', ['ip', 'link', 'add', 'probe0', 'type', 'bridge']),
    await links(host, 'veth', 'CONFIG_VETH', ['ip', 'link', 'add', 'probe0', 'type', 'veth', 'peer', 'name', 'probe1']),
    forwarding(host),
    ok('event bus', 'the event logs of the services; NATS is optional and not needed on one host'),
    ok('ports', 'none are needed: the services listen on unix sockets'),
  ]
}

async function nfTables(host: Host): Promise<Finding> {
  const name = 'nf_tables'
  const tried = await inOwnNamespace(host, ['nft', 'add', 'table', 'inet', 'probe'])
  return judge(host, name, 'CONFIG_NF_TABLES', 'nf_tables', tried)
}

async function links(host: Host, kind: string, option: string, command: readonly string[]): Promise<Finding> {
  return judge(host, kind, option, kind, await inOwnNamespace(host, command))
}

/** Tries in a network namespace that goes with the program: nothing of the host is touched. */
async function inOwnNamespace(host: Host, [program = '', ...args]: readonly string[]) {
  if (!host.root || (await host.probe(program, ['-V'])) === undefined) return undefined
  return host.probe('unshare', ['--net', program, ...args])
}

function judge(
  host: Host,
  name: string,
  option: string,
  module: string,
  tried: { succeeded: boolean; said: string } | undefined,
): Finding {
  if (tried?.succeeded === true) return ok(name, 'tried')
  const has = kernelHas(host, option, module)
  const mend = `modprobe ${module}, or use a kernel with ${option}`
  if (tried?.succeeded === false) return fail(name, `cannot be used: ${tried.said}`, mend)
  if (has === true) return ok(name, 'the kernel has it')
  if (has === false) return fail(name, 'the kernel has none', mend)
  return warn(name, 'the kernel does not tell', `if containers get no network: ${mend}`)
}

function forwarding(host: Host): Finding {
  const name = 'ip forwarding'
  const path = '/proc/sys/net/ipv4/ip_forward'
  const value = host.read(path)?.trim()
  if (value === '1') return ok(name, 'on')
  if (value === '0') return ok(name, 'off; turned on with the first bridge network')
  return warn(name, 'cannot be read', `see whether ${path} is there`)
}
