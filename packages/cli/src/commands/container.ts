import type { CommandSpec, OptionSpec } from '../spec.ts'
import { LIMIT_OPTIONS, RESTART_OPTION } from './shared-options.ts'

const NO_TRUNC: OptionSpec = { flags: '--no-trunc', help: 'shorten nothing' }
const QUIET: OptionSpec = { flags: '-q, --quiet', help: 'only ids' }

/** Commands that change containers. */
const CHANGES: readonly CommandSpec[] = [
  {
    name: 'stop',
    group: 'Containers',
    args: '<container...>',
    summary: 'ask containers to stop, and kill them when they do not',
    description:
      "Sends the container's stop signal (SIGTERM unless told otherwise), and SIGKILL when the time is over.",
    options: [
      { flags: '-t, --time <seconds>', help: "seconds until it is killed (default: the container's own, 10)" },
      { flags: '-s, --signal <signal>', help: 'signal to ask with' },
    ],
    examples: [
      { command: 'caisson stop web', shows: 'stop a container' },
      { command: 'caisson stop -t 60 db web', shows: 'give two containers a minute' },
    ],
    load: async () => (await import('../actions/lifecycle.ts')).stop,
  },
  {
    name: 'kill',
    group: 'Containers',
    args: '<container...>',
    summary: 'send a signal to the main process of containers',
    description: 'Sends SIGKILL, or another signal, to process 1 of each container.',
    options: [{ flags: '-s, --signal <signal>', help: 'name or number of the signal (default: KILL)' }],
    examples: [{ command: 'caisson kill -s HUP web', shows: 'let a service read its configuration again' }],
    load: async () => (await import('../actions/lifecycle.ts')).kill,
  },
  {
    name: 'pause',
    group: 'Containers',
    args: '<container...>',
    summary: 'freeze all processes of containers',
    description: 'Freezes containers: they keep their memory and get no processor until resume.',
    examples: [{ command: 'caisson pause web', shows: 'freeze a container' }],
    load: async () => (await import('../actions/lifecycle.ts')).pauseContainers,
  },
  {
    name: 'resume',
    aliases: ['unpause'],
    group: 'Containers',
    args: '<container...>',
    summary: 'let paused containers go on',
    description: 'Lets containers that were paused go on.',
    examples: [{ command: 'caisson resume web', shows: 'let a container go on' }],
    load: async () => (await import('../actions/lifecycle.ts')).resumeContainers,
  },
  {
    name: 'rm',
    group: 'Containers',
    args: '<container...>',
    summary: 'remove containers with their changes and logs',
    description: 'Removes containers that do not run; with -f also those that run.',
    options: [
      { flags: '-f, --force', help: 'kill it when it runs' },
      { flags: '-v, --volumes', help: 'remove its anonymous volumes too' },
    ],
    examples: [
      { command: 'caisson rm job', shows: 'remove a container' },
      { command: 'caisson rm -f $(caisson ps -aq)', shows: 'remove all of them' },
    ],
    load: async () => (await import('../actions/lifecycle.ts')).rm,
  },
  {
    name: 'rename',
    group: 'Containers',
    args: '<container> <name>',
    summary: 'give a container another name',
    description: 'Gives a container another name; it may run.',
    examples: [{ command: 'caisson rename web web-old', shows: 'rename a container' }],
    load: async () => (await import('../actions/lifecycle.ts')).rename,
  },
  {
    name: 'update',
    group: 'Containers',
    args: '<container...>',
    summary: 'change limits of containers',
    description: 'Changes limits and the restart policy; of running containers at once. What is not named stays.',
    options: [...LIMIT_OPTIONS, RESTART_OPTION],
    examples: [{ command: 'caisson update -m 1g --cpus 2 web', shows: 'give a container more' }],
    load: async () => (await import('../actions/lifecycle.ts')).update,
  },
  {
    name: 'commit',
    group: 'Containers',
    args: '<container> [name]',
    summary: 'make an image of what a container changed',
    description:
      'Makes an image of the layers that a container stands on and one more of what it changed in its root, and prints its ' +
      'id. Volumes and other mounts are not part of it. A running container is paused meanwhile. The config is that of ' +
      "the container's image with the command, environment, user and labels that the container was made with, after the " +
      'changes: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR.',
    options: [
      { flags: '-a, --author <author>', help: 'who made it' },
      { flags: '-m, --message <message>', help: 'remark for the history' },
      { flags: '-c, --change <instruction>', help: 'change the config: \'CMD ["/bin/sh"]\'', many: true },
      { flags: '--no-pause', help: 'let the container run on: files that it writes meanwhile may be torn' },
      { flags: '--compression <kind>', help: 'of the new layer: gzip, zstd, none (default: gzip)' },
    ],
    examples: [
      { command: 'caisson commit web web:patched', shows: 'keep what was changed in a container' },
      {
        command: 'caisson commit -m "add curl" -c \'CMD ["curl", "--version"]\' work tools:1',
        shows: 'give the image a command and a remark',
      },
    ],
    load: async () => (await import('../actions/commit.ts')).commit,
  },
]

/** Commands that look at containers. */
const LOOKS: readonly CommandSpec[] = [
  {
    name: 'ps',
    aliases: ['container ls'],
    group: 'Containers',
    summary: 'list containers',
    description:
      'Lists the containers that run; with -a all of them. Filters of different kinds must all hold, of several of one ' +
      'kind one must: status=, name= (the whole name), id=, label=NAME[=value], ancestor=IMAGE, exited=CODE, network=NETWORK.',
    options: [
      { flags: '-a, --all', help: 'also those that do not run' },
      QUIET,
      { flags: '-f, --filter <filter>', help: 'only some of them', many: true },
      NO_TRUNC,
    ],
    examples: [
      { command: 'caisson ps -a', shows: 'list all containers' },
      { command: 'caisson ps -a --filter status=exited --filter exited=137', shows: 'list those that were killed' },
      { command: 'caisson ps --format json', shows: 'list for programs' },
    ],
    load: async () => (await import('../actions/ps.ts')).ps,
  },
  {
    name: 'port',
    group: 'Containers',
    args: '<container> [port]',
    summary: 'show which ports of the host lead to a container',
    description:
      'Lists the ports that a running container publishes, with those that were chosen for it; with a port of the ' +
      'container (80, or 53/udp) only where that one is.',
    examples: [
      { command: 'caisson port web', shows: 'list all published ports' },
      { command: 'caisson port web 80', shows: 'print 0.0.0.0:8080' },
    ],
    load: async () => (await import('../actions/port.ts')).port,
  },
  {
    name: 'logs',
    group: 'Containers',
    args: '<container>',
    summary: 'show what a container wrote',
    description:
      'Shows the output of a container, each stream on its own. Times are RFC 3339, seconds since 1970, or a length of ' +
      'time such as 10m for ten minutes ago. Output that is not held any more is named on standard error. With --format json each line is a document.',
    options: [
      { flags: '-f, --follow', help: 'go on with what it writes, until it ends' },
      { flags: '-n, --tail <lines>', help: 'only the last lines, or all' },
      { flags: '--since <time>', help: 'only what was written at or after this time' },
      { flags: '--until <time>', help: 'only what was written before this time' },
      { flags: '-t, --timestamps', help: 'begin each line with its time' },
      { flags: '--no-stdout', help: 'leave standard output out' },
      { flags: '--no-stderr', help: 'leave standard error out' },
    ],
    examples: [
      { command: 'caisson logs -f -n 20 web', shows: 'follow from the last twenty lines on' },
      { command: 'caisson logs -t --since 10m web', shows: 'show the last ten minutes with times' },
    ],
    load: async () => (await import('../actions/logs.ts')).logs,
  },
  {
    name: 'inspect',
    group: 'Containers',
    args: '<name...>',
    summary: 'show all about containers and images',
    description:
      'Prints one JSON array of everything that is known of containers and images: the messages Container and Image of ' +
      'the contract, in the JSON form of protocol buffers. Whatever loosens the isolation of a container is listed as "loosened".',
    options: [{ flags: '--type <type>', help: 'only container, or only image' }],
    examples: [{ command: "caisson inspect web | jq '.[0].state'", shows: 'look at one field' }],
    load: async () => (await import('../actions/inspect.ts')).inspect,
  },
  {
    name: 'top',
    group: 'Containers',
    args: '<container>',
    summary: 'list the processes of a container',
    description: 'Lists the processes of a container with their ids on the host and inside.',
    examples: [{ command: 'caisson top web', shows: 'list processes' }],
    load: async () => (await import('../actions/top.ts')).top,
  },
  {
    name: 'diff',
    group: 'Containers',
    args: '<container>',
    summary: 'list what a container changed in its root',
    description:
      'Lists the paths that are different from the image: A for new ones, C for changed ones, D for those that are gone. ' +
      'With --format json each line is a document; a path that is not in UTF-8 is there in base64 too.',
    examples: [{ command: 'caisson diff web', shows: 'see what a container wrote' }],
    load: async () => (await import('../actions/diff.ts')).diff,
  },
  {
    name: 'stats',
    group: 'Containers',
    args: '[container...]',
    summary: 'show what containers use',
    description:
      'Shows use of processors, memory, network, disks and processes every second, of all containers that run or of some.',
    options: [{ flags: '--no-stream', help: 'show it once' }],
    examples: [
      { command: 'caisson stats', shows: 'watch all containers' },
      { command: 'caisson stats --no-stream --format json web', shows: 'one reading for programs' },
    ],
    load: async () => (await import('../actions/stats.ts')).stats,
  },
  {
    name: 'wait',
    group: 'Containers',
    args: '<container...>',
    summary: 'wait until containers end, and print their exit codes',
    description:
      'Waits until each container does not run, and prints the exit code of each in the order in which they were named.',
    examples: [{ command: 'caisson wait job', shows: 'wait for a container' }],
    load: async () => (await import('../actions/lifecycle.ts')).wait,
  },
  {
    name: 'events',
    group: 'Engine',
    summary: 'show what happened and what happens',
    description:
      "Shows events of all services. Without --since, --until and --after only those from now on; with them the services' " +
      'logs are replayed first. With --no-follow the command ends there. Filters: kind=, type=container.exited (or event=), ' +
      'service=, subject=, label=, and container=, image=, network=, volume= with an id or name. Every event names its place ' +
      'in the log of its service, by which --after goes on without missing or repeating any.',
    options: [
      { flags: '--since <time>', help: 'begin with events at or after this time' },
      { flags: '--until <time>', help: 'only events before this time' },
      { flags: '--after <id>', help: 'go on behind this event, or behind SERVICE:SEQUENCE', many: true },
      { flags: '-f, --filter <filter>', help: 'only some of them', many: true },
      { flags: '-n, --no-follow', help: 'show what there is, and end' },
    ],
    examples: [
      { command: 'caisson events --filter type=container.exited', shows: 'watch containers end' },
      { command: 'caisson events --since 1h --no-follow --format json', shows: 'the last hour for programs' },
      { command: 'caisson events --after runtime:0', shows: 'replay all that the runtime still holds' },
    ],
    load: async () => (await import('../actions/events.ts')).events,
  },
]

export const CONTAINER_COMMANDS: readonly CommandSpec[] = [...LOOKS, ...CHANGES]
