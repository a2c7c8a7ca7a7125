import ipaddr from 'ipaddr.js'

/** Where an address leads: into the world, into a network behind a router, to this host, or to its link. */
export type Reach = 'public' | 'private' | 'loopback' | 'link-local'

const REACHES: Readonly<Record<string, Reach>> = {
  unicast: 'public',
  private: 'private',
  carrierGradeNat: 'private',
  uniqueLocal: 'private',
  loopback: 'loopback',
  // Linux takes a connection to 0.0.0.0 or :: for one to itself.
  unspecified: 'loopback',
  linkLocal: 'link-local',
}

/** Of an address in any spelling, mapped and translated IPv4 too; whatever is reserved counts as link-local. */
export function reachOf(address: string): Reach {
  if (!ipaddr.isValid(address)) return 'link-local'
  const parsed = ipaddr.process(address)
  if (parsed instanceof ipaddr.IPv6 && parsed.range() === 'rfc6052') return reachOf(embeddedIpv4(parsed))
  return REACHES[parsed.range()] ?? 'link-local'
}

/**
 * Whether a server that was reached at `from` may send us on to an address of `to`: the world always, its own kind of
 * network, and from this host to a private network. What it names is never trusted further than where it stands itself.
 */
export function maySendTo(from: Reach, to: Reach): boolean {
  return to === 'public' || to === from || (from === 'loopback' && to === 'private')
}

/** "localhost", "127.0.0.1:5000", "[::1]": names that cannot lead anywhere but to this host. */
export function isLoopbackName(host: string): boolean {
  const name = bareHost(host)
  return name === 'localhost' || (ipaddr.isValid(name) && /^127\.|^::1$/.test(name))
}

/** The address or name of "host:port" or "[address]:port". */
export function bareHost(host: string): string {
  const bracket = /^\[([^\]]*)\]/.exec(host)
  return bracket?.[1] ?? host.replace(/:\d*$/, '').toLowerCase()
}

function embeddedIpv4(address: ipaddr.IPv6): string {
  return address.toByteArray().slice(12).join('.')
}
