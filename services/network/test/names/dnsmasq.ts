import { type ChildProcess, spawn } from 'node:child_process'

const OPTIONS = [
  ...['-k', '-C', '/dev/null', '--no-resolv', '--no-hosts', '--pid-file=', '--user=root', '--bind-interfaces'],
]

/** Debian's dnsmasq with nothing but these options; `path`: in the namespace that is pinned there. */
export function startDnsmasq(options: readonly string[], path?: string): ChildProcess {
  const [program, ...args] = [
    ...(path === undefined ? [] : ['nsenter', `--net=${path}`]),
    'dnsmasq',
    ...OPTIONS,
    ...options,
  ]
  return spawn(program ?? '', args)
}
