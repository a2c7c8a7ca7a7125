import type { CommandSpec } from '../spec.ts'

const LABEL = { flags: '--label <label>', help: 'label: NAME=value', many: true } as const

/** Commands that concern volumes. */
export const VOLUME_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'volume ls',
    aliases: ['volume list'],
    group: 'Volumes',
    summary: 'list volumes',
    description:
      'Lists volumes by name. Filters: name= (a part of it), label=NAME[=value], driver=, dangling=true|false (whether no ' +
      'container uses it).',
    options: [
      { flags: '-q, --quiet', help: 'only names' },
      { flags: '-f, --filter <filter>', help: 'only some of them', many: true },
      { flags: '--no-trunc', help: 'shorten nothing' },
    ],
    examples: [{ command: 'caisson volume ls --filter dangling=true', shows: 'list those that no container uses' }],
    load: async () => (await import('../actions/volume-ls.ts')).volumeLs,
  },
  {
    name: 'volume create',
    group: 'Volumes',
    args: '[name]',
    summary: 'make a volume',
    description:
      'Makes a volume and prints its name; without a name one is made up. A volume of that name that is the same otherwise ' +
      'is no error. The driver local keeps it on the disk of the engine, or, with -o type=none -o o=bind -o device=DIR, ' +
      'in a directory of the host. The driver tmpfs (or -o type=tmpfs) keeps it in memory until it is removed or the host ' +
      'starts anew: size=, mode=, nr_inodes=, uid=, gid=.',
    options: [
      { flags: '-d, --driver <driver>', help: 'local (default) or tmpfs' },
      { flags: '-o, --opt <option>', help: 'option of the driver: NAME=value', many: true },
      LABEL,
      { flags: '--owner <owner>', help: "owner of its top directory, uid:gid (default: the image's, or root)" },
      { flags: '--mode <mode>', help: "permissions of its top directory, octal (default: the image's, or 755)" },
      { flags: '--quota <size>', help: 'most that it may hold; with tmpfs' },
    ],
    examples: [
      { command: 'caisson volume create data', shows: 'make a volume' },
      { command: 'caisson volume create -d tmpfs -o size=64m cache', shows: 'one in memory' },
      {
        command: 'caisson volume create -o type=none -o o=bind -o device=/srv/data data',
        shows: 'a directory of the host',
      },
    ],
    load: async () => (await import('../actions/volume-create.ts')).volumeCreate,
  },
  {
    name: 'volume inspect',
    group: 'Volumes',
    args: '<volume...>',
    summary: 'show all about volumes',
    description:
      'Prints one JSON array of everything that is known of volumes: the message Volume of the contract in the JSON form ' +
      'of protocol buffers, with the containers that use it, its bytes on disk and where it is on the host.',
    examples: [{ command: "caisson volume inspect data | jq -r '.[0].mountpoint'", shows: 'see where it is' }],
    load: async () => (await import('../actions/volume-inspect.ts')).volumeInspect,
  },
  {
    name: 'volume rm',
    aliases: ['volume remove'],
    group: 'Volumes',
    args: '<volume...>',
    summary: 'remove volumes with their content',
    description: 'Removes volumes. One that a container uses is refused, whether that runs or not.',
    options: [{ flags: '-f, --force', help: 'one that is not there is no error' }],
    examples: [{ command: 'caisson volume rm data', shows: 'remove a volume' }],
    load: async () => (await import('../actions/volume-changes.ts')).volumeRm,
  },
  {
    name: 'volume prune',
    group: 'Volumes',
    summary: 'remove volumes that no container uses',
    description:
      'Removes volumes without a name of their own that no container uses, running or not; with -a those with a name too. ' +
      'It asks first, on a terminal.',
    options: [
      { flags: '-a, --all', help: 'also volumes with a name' },
      { flags: '--filter <filter>', help: 'only some of them: label=NAME[=value]', many: true },
      { flags: '-f, --force', help: 'do not ask' },
    ],
    examples: [{ command: 'caisson volume prune -f', shows: 'remove what nothing uses' }],
    load: async () => (await import('../actions/volume-changes.ts')).volumePrune,
  },
  {
    name: 'volume clone',
    group: 'Volumes',
    args: '<volume> [name]',
    summary: 'make a volume with the content of another',
    description:
      'Copies a volume and prints the name of the copy. Containers that run and may write to it stand still meanwhile, so ' +
      'that the copy is of one moment. On disks that can share blocks (btrfs, xfs) it costs next to nothing.',
    options: [LABEL],
    examples: [{ command: 'caisson volume clone data data-backup', shows: 'keep what a volume has now' }],
    load: async () => (await import('../actions/volume-transfer.ts')).volumeClone,
  },
  {
    name: 'volume export',
    group: 'Volumes',
    args: '<volume>',
    summary: 'write the content of a volume as a tar',
    description:
      'Writes what is in a volume as a tar, with owners, permissions, extended attributes and hard links. Containers go on ' +
      'writing meanwhile; clone it first for a copy of one moment.',
    options: [{ flags: '-o, --output <file>', help: 'file to write (default: standard output)' }],
    examples: [{ command: 'caisson volume export -o data.tar data', shows: 'write a tar' }],
    load: async () => (await import('../actions/volume-transfer.ts')).volumeExport,
  },
  {
    name: 'volume import',
    group: 'Volumes',
    args: '<volume> [file]',
    summary: 'fill a volume from a tar',
    description:
      'Unpacks a tar (plain, gzip or zstd) in a volume, which is made when it is not there. Nothing outside of the volume ' +
      'is ever written. What is in the volume and not in the tar stays.',
    examples: [
      { command: 'caisson volume import data data.tar', shows: 'fill a volume' },
      {
        command: 'caisson volume export data | caisson --root /b volume import data',
        shows: 'take one to another engine',
      },
    ],
    load: async () => (await import('../actions/volume-transfer.ts')).volumeImport,
  },
]
