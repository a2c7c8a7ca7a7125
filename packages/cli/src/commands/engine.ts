import type { CommandSpec, OptionSpec } from '../spec.ts'

const SERVICE_OPTION: OptionSpec = {
  flags: '--service <name>',
  help: 'only these services: image-store, network, runtime, registry',
  many: true,
}

/** Commands that concern the engine as a whole. */
export const ENGINE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'up',
    group: 'Engine',
    summary: 'start the services',
    description:
      'Starts image-store, network and runtime, and the registry when it is configured, under one supervisor, which starts a service again when it ends (after ' +
      '100 ms, doubling to 10 s). Without -d the supervisor stays in the foreground until Ctrl-C. With -d it goes to the ' +
      'background, and the command returns once every service serves. Containers that run are taken over.',
    options: [
      { flags: '-d, --detach', help: 'start in the background and wait until every service serves' },
      SERVICE_OPTION,
    ],
    examples: [
      { command: 'caisson up -d', shows: 'start the engine in the background' },
      { command: 'caisson up -d --service registry', shows: 'run a registry alone on this host' },
      { command: 'caisson --root /srv/test up -d', shows: 'start a second engine, with all it has below /srv/test' },
    ],
    load: async () => (await import('../actions/up.ts')).up,
  },
  {
    name: 'down',
    group: 'Engine',
    summary: 'stop the services; containers keep running',
    description:
      'Stops the supervisor and the services (SIGTERM, and SIGKILL after 10 s). Containers keep running without them, ' +
      'and are taken over by the next up; the command names them.',
    options: [{ flags: '--containers', help: 'stop the containers first' }],
    examples: [
      { command: 'caisson down', shows: 'stop the engine' },
      { command: 'caisson down --containers', shows: 'stop the containers and the engine' },
    ],
    load: async () => (await import('../actions/down.ts')).down,
  },
  {
    name: 'status',
    group: 'Engine',
    summary: 'show the services and their health',
    description: 'Shows health, process, version, uptime, memory and restarts of each service, and counts containers.',
    examples: [
      { command: 'caisson status', shows: 'look at the services' },
      { command: 'caisson status --format json', shows: 'the same for programs' },
    ],
    exitCodes: [{ code: '1', means: 'at least one service does not serve' }],
    load: async () => (await import('../actions/status.ts')).status,
  },
  {
    name: 'version',
    group: 'Engine',
    summary: 'show versions',
    description: 'Shows the version of this command, and of the engine when it runs.',
    examples: [{ command: 'caisson version', shows: 'show versions' }],
    load: async () => (await import('../actions/version.ts')).version,
  },
  {
    name: 'doctor',
    group: 'Engine',
    summary: 'check the host, and say how to mend what is missing',
    description:
      'Looks at the kernel, user namespaces, overlay, id-mapped mounts, seccomp, control groups, nf_tables, links, disk, ' +
      'limits, Node and the built parts of the services. Where it is cheap it tries the thing itself, in namespaces of its ' +
      'own: nothing of the host is changed. Each line says ok, warn or fail, and how to mend it.',
    examples: [
      { command: 'caisson doctor', shows: 'check this host' },
      { command: 'caisson --root /srv/test doctor', shows: 'check another place for the state' },
    ],
    exitCodes: [{ code: '1', means: 'something must be mended before containers can run' }],
    load: async () => (await import('../actions/doctor.ts')).doctor,
  },
  {
    name: 'demo',
    group: 'Engine',
    summary: 'show the whole way: start an engine, import an image, run a container',
    description:
      'Starts an engine on a private root (a new directory for temporary files, or --root), makes an image from the static ' +
      "busybox of this machine (or Debian's, which is installed, or a small program that is compiled), runs containers of " +
      'it, tells how long everything took, and stops the engine again.',
    options: [{ flags: '--keep', help: 'leave the engine running' }],
    examples: [{ command: 'caisson demo', shows: 'see it work' }],
    load: async () => (await import('../actions/demo.ts')).demo,
  },
  {
    name: 'supervise',
    group: 'Engine',
    hidden: true,
    summary: 'run the supervisor',
    description: 'Runs the supervisor in this process; up -d starts it.',
    options: [SERVICE_OPTION],
    examples: [],
    load: async () => (await import('../actions/supervise.ts')).superviseInBackground,
  },
]
