import type { CommandSpec } from '../spec.ts'
import { CREATE_OPTIONS, DETACH_KEYS_OPTION, PROCESS_EXIT_CODES, PROCESS_OPTIONS } from './shared-options.ts'

/** Commands that run programs and connect to them. */
export const PROCESS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'run',
    group: 'Containers',
    args: '<image> [command...]',
    summary: 'create a container, start it, and stay with it until it ends',
    description:
      'Creates a container from an image and starts it. Without -d the command shows what the container writes, hands ' +
      'signals (but USR1) on to it, and ends with its exit code; when the engine is restarted meanwhile, it goes on where it was. ' +
      "With -it the container has the user's terminal: Ctrl-C and all other keys go to it, and ctrl-p ctrl-q detaches. " +
      'With -d the command prints the id and returns once the program was executed. Options end at the image: what ' +
      'follows it belongs to the program.',
    options: [{ flags: '-d, --detach', help: 'leave it in the background and print its id' }, ...CREATE_OPTIONS],
    passThrough: true,
    examples: [
      { command: 'caisson run --rm debian cat /etc/os-release', shows: 'run one program' },
      { command: 'caisson run --rm -it debian bash', shows: 'work in a shell' },
      { command: 'caisson run -d --name web -m 256m --cpus 0.5 -v ./site:/www:ro httpd', shows: 'run a service' },
      { command: 'tar c . | caisson run --rm -i debian tar t', shows: 'pipe into a container' },
    ],
    exitCodes: PROCESS_EXIT_CODES,
    load: async () => (await import('../actions/run.ts')).run,
  },
  {
    name: 'create',
    group: 'Containers',
    args: '<image> [command...]',
    summary: 'create a container without starting it',
    description: 'Creates a container and prints its id. Takes the options of run.',
    options: CREATE_OPTIONS,
    passThrough: true,
    examples: [{ command: 'caisson create --name job debian sleep 10', shows: 'make a container to start later' }],
    load: async () => (await import('../actions/run.ts')).create,
  },
  {
    name: 'start',
    group: 'Containers',
    args: '<container...>',
    summary: 'start containers that do not run',
    description: 'Starts containers. With -a or -i the command stays with the one container until it ends.',
    options: [
      { flags: '-a, --attach', help: 'show what it writes, and hand signals on to it' },
      { flags: '-i, --interactive', help: 'send it the standard input too' },
      DETACH_KEYS_OPTION,
    ],
    examples: [
      { command: 'caisson start job', shows: 'start in the background' },
      { command: 'caisson start -a job', shows: 'start and stay' },
    ],
    exitCodes: PROCESS_EXIT_CODES,
    load: async () => (await import('../actions/lifecycle.ts')).start,
  },
  {
    name: 'exec',
    group: 'Containers',
    args: '<container> <command> [arguments...]',
    summary: 'run one more program in a running container',
    description:
      'Runs a program in the namespaces and limits of a running container, and ends with its exit code. Options end at ' +
      'the container: what follows belongs to the program.',
    options: [
      ...PROCESS_OPTIONS,
      { flags: '-d, --detach', help: 'leave it in the background' },
      { flags: '--privileged', help: 'give it all capabilities' },
      DETACH_KEYS_OPTION,
    ],
    passThrough: true,
    examples: [
      { command: 'caisson exec web cat /etc/hosts', shows: 'run one program' },
      { command: 'caisson exec -it -w /www -u www-data web sh', shows: 'look around as another user' },
    ],
    exitCodes: PROCESS_EXIT_CODES,
    load: async () => (await import('../actions/exec.ts')).exec,
  },
  {
    name: 'attach',
    group: 'Containers',
    args: '<container>',
    summary: 'connect to a running container',
    description:
      'Shows what a container writes from now on, and sends it the standard input when it was made with -i. With a ' +
      'terminal, ctrl-p ctrl-q detaches and leaves it running. Ends with the exit code of the container.',
    options: [
      { flags: '--no-stdin', help: 'send no input' },
      { flags: '--no-sig-proxy', help: 'do not hand signals on' },
      { flags: '--logs', help: 'start with what it has written so far' },
      DETACH_KEYS_OPTION,
    ],
    examples: [{ command: 'caisson attach web', shows: 'connect again' }],
    exitCodes: PROCESS_EXIT_CODES,
    load: async () => (await import('../actions/attach.ts')).attach,
  },
]
