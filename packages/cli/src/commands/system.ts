import type { CommandSpec } from '../spec.ts'

/** Commands that look after the disk. */
export const SYSTEM_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'system df',
    group: 'Engine',
    summary: 'show what takes the disk',
    description:
      'Shows what images, unpacked layers, containers, downloads and the database take, what removing garbage would free, ' +
      'and what the disk has left. With -v also each image and each container layer.',
    options: [{ flags: '-v, --verbose', help: 'each image and each snapshot too' }],
    examples: [{ command: 'caisson system df -v', shows: 'find out what takes the disk' }],
    load: async () => (await import('../actions/system.ts')).df,
  },
  {
    name: 'system prune',
    group: 'Engine',
    summary: 'remove what nothing needs',
    description:
      'Removes containers that have ended, images without a name (with -a all that no container needs) and content that ' +
      'nothing refers to. Filter: until=TIME takes only what was made before. Asks first unless -f is given.',
    options: [
      { flags: '-a, --all', help: 'also images with a name that no container needs' },
      { flags: '--filter <filter>', help: 'only some of them: until=24h', many: true },
      { flags: '-f, --force', help: 'do not ask' },
    ],
    examples: [{ command: 'caisson system prune -a -f', shows: 'free all that can be freed' }],
    load: async () => (await import('../actions/system.ts')).prune,
  },
  {
    name: 'system gc',
    group: 'Engine',
    summary: 'collect garbage now, by the policy of the service',
    description:
      'Does now what the image store does by itself from time to time: removes content that nothing refers to, and images ' +
      'as the policy in its configuration says. Prints what was removed and why.',
    options: [{ flags: '--dry-run', help: 'only tell what would go' }],
    examples: [{ command: 'caisson system gc --dry-run', shows: 'see what would go' }],
    load: async () => (await import('../actions/system.ts')).gc,
  },
  {
    name: 'system verify',
    group: 'Engine',
    summary: 'check everything that the image store holds',
    description:
      'Reads every blob and looks at every image, unpacked layer and snapshot. What is broken is listed; with --quarantine ' +
      'it is moved away, with --repair also pulled and unpacked again.',
    options: [
      { flags: '--quarantine', help: 'move away what is broken' },
      { flags: '--repair', help: 'move it away and bring it back' },
    ],
    examples: [{ command: 'caisson system verify --repair', shows: 'mend a damaged store' }],
    exitCodes: [{ code: '1', means: 'something is broken and was not mended' }],
    load: async () => (await import('../actions/system.ts')).verify,
  },
]
