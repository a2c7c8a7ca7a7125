import type { ExitCode, OptionSpec } from '../spec.ts'

/** Limits, of run, create and update. */
export const LIMIT_OPTIONS: readonly OptionSpec[] = [
  { flags: '-m, --memory <size>', help: 'most memory: 512m, 1.5g; at least 6m' },
  { flags: '--memory-swap <size>', help: 'most memory and swap together; -1 for no limit' },
  { flags: '--memory-reservation <size>', help: 'memory that is kept for it under pressure' },
  { flags: '--cpus <number>', help: 'processors, with up to nine digits behind the point: 1.5' },
  { flags: '--cpu-shares <weight>', help: 'share of processors against others; 1024 is usual' },
  { flags: '--cpuset-cpus <list>', help: 'processors it may run on: 0-2,4' },
  { flags: '--pids-limit <number>', help: 'most processes; -1 for no limit (default: 4096)' },
]

export const RESTART_OPTION: OptionSpec = {
  flags: '--restart <policy>',
  help: 'when to start it again by itself: no, on-failure[:max], always, unless-stopped',
}

export const PLATFORM_OPTION: OptionSpec = {
  flags: '--platform <platform>',
  help: 'platform to take: linux/amd64 (default: that of the host)',
}

export const DETACH_KEYS_OPTION: OptionSpec = {
  flags: '--detach-keys <keys>',
  help: 'keys that leave the container running in the background (default: ctrl-p,ctrl-q; empty: none)',
}

/** The program of a container or of an exec. */
export const PROCESS_OPTIONS: readonly OptionSpec[] = [
  { flags: '-i, --interactive', help: 'send it the standard input' },
  { flags: '-t, --tty', help: 'give it a terminal' },
  { flags: '-e, --env <variable>', help: 'set NAME=value; NAME alone takes the value from here', many: true },
  { flags: '--env-file <file>', help: 'set variables from a file, one a line', many: true },
  { flags: '-w, --workdir <dir>', help: 'directory to start in' },
  { flags: '-u, --user <user>', help: 'user, and group behind a colon: names or numbers' },
]

/** run and create. */
export const CREATE_OPTIONS: readonly OptionSpec[] = [
  ...PROCESS_OPTIONS,
  { flags: '--name <name>', help: 'name of the container (default: one is made up)' },
  { flags: '--entrypoint <program>', help: "program to run instead of the image's; empty: none" },
  { flags: '--group-add <group>', help: 'one more group of the user', many: true },
  { flags: '--init', help: 'put a small init in front that reaps processes' },
  { flags: '--rm', help: 'remove the container when it ended' },
  {
    flags: '-v, --volume <volume>',
    help: 'mount [SOURCE:]TARGET[:ro,nocopy]; a source with / is a path of the host, without / a volume',
    many: true,
  },
  { flags: '--volumes-from <container>', help: "mount another container's volumes and binds: NAME[:ro]", many: true },
  { flags: '--mount <mount>', help: 'mount type=bind|volume|tmpfs|image,source=,target=[,readonly]...', many: true },
  { flags: '--tmpfs <mount>', help: 'mount memory: TARGET[:size=64m,mode=1777]', many: true },
  { flags: '--read-only', help: 'make the root read-only' },
  {
    flags: '--storage-opt <option>',
    help: 'size=10G: what it may write into its root; the disk needs project quotas',
    many: true,
  },
  {
    flags: '--network <network>',
    help: 'bridge (default), none, host, container:NAME, or networks: NAME[:ip=,mac=,priority=,interface=,alias=]',
    many: true,
  },
  { flags: '--ip <address>', help: 'IPv4 address on the first network' },
  { flags: '--mac-address <address>', help: 'MAC address on the first network' },
  { flags: '--network-alias <name>', help: 'one more name on the first network', many: true },
  { flags: '-p, --publish <port>', help: 'publish a port: [[ADDRESS:][HOSTPORT]:]PORT[/udp]', many: true },
  { flags: '-P, --publish-all', help: 'publish every port that the image exposes on a free one of the host' },
  { flags: '--hostname <name>', help: 'host name (default: the first digits of the id)' },
  { flags: '--domainname <name>', help: 'domain of the host name' },
  { flags: '--dns <address>', help: 'name server that is asked instead of those of the host', many: true },
  { flags: '--dns-search <domain>', help: 'search domain instead of those of the host; . for none', many: true },
  { flags: '--dns-option <option>', help: 'option of resolv.conf: ndots:2', many: true },
  { flags: '--add-host <host>', help: 'line of /etc/hosts: NAME:ADDRESS, or NAME:host-gateway', many: true },
  ...LIMIT_OPTIONS,
  { flags: '--ulimit <limit>', help: 'limit of a process: nofile=1024:4096', many: true },
  { flags: '--shm-size <size>', help: 'size of /dev/shm (default: 64m)' },
  { flags: '--sysctl <setting>', help: 'kernel setting of its namespaces: net.core.somaxconn=1024', many: true },
  { flags: '--device <device>', help: 'let it use a device: /dev/fuse[:TARGET[:rwm]]', many: true },
  { flags: '--privileged', help: 'lift the isolation: all capabilities and devices, nothing masked' },
  { flags: '--cap-add <capability>', help: 'add a capability: NET_ADMIN, ALL', many: true },
  { flags: '--cap-drop <capability>', help: 'take a capability away: ALL', many: true },
  {
    flags: '--security-opt <option>',
    help: 'no-new-privileges=false, seccomp=unconfined, seccomp=FILE, systempaths=unconfined',
    many: true,
  },
  { flags: '--userns <mode>', help: 'private (default), or host for the user ids of the host' },
  { flags: '-l, --label <label>', help: 'label: NAME=value', many: true },
  { flags: '--stop-signal <signal>', help: "signal that asks it to stop (default: the image's, or SIGTERM)" },
  { flags: '--stop-timeout <seconds>', help: 'seconds it has to stop before it is killed (default: 10)' },
  RESTART_OPTION,
  { flags: '--pull <policy>', help: 'pull the image first: missing (default), always, never' },
  { flags: '-q, --quiet', help: 'do not tell how far pulling the image is' },
  PLATFORM_OPTION,
  DETACH_KEYS_OPTION,
]

/** Commands that stay with a process until it ends. */
export const PROCESS_EXIT_CODES: readonly ExitCode[] = [
  { code: '126', means: 'the program cannot be executed' },
  { code: '127', means: 'the program was not found' },
  { code: '128+n', means: 'signal n ended the program (137: SIGKILL, also when memory ran out)' },
  { code: 'other', means: "the program's own exit code" },
]
