import type { CommandSpec } from '../spec.ts'

/** Commands that reach into the files of containers. */
export const FILE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'cp',
    group: 'Containers',
    args: '<source> <target>',
    summary: 'copy files between a container and this host',
    description:
      'Copies a file or directory. One side, or both, is CONTAINER:PATH; the container may run or not. With - a tar is read ' +
      'from standard input or written to standard output. Into a directory that is there a copy goes under its own name; ' +
      'otherwise the target is the name of the copy, and must have a parent. A source that ends with /. stands for what is ' +
      'in it. What goes into a container belongs to its root, what comes out to the user.',
    options: [
      { flags: '-a, --archive', help: 'keep owners, and set-id bits' },
      { flags: '-L, --follow-link', help: 'follow a link at the end of the source' },
      { flags: '-q, --quiet', help: 'say nothing when it is done' },
    ],
    examples: [
      { command: 'caisson cp web:/var/log/app.log .', shows: 'take a file out' },
      { command: 'caisson cp ./conf.d/. web:/etc/app/conf.d', shows: 'put what is in a directory in' },
      { command: 'caisson cp web:/etc - | tar -t', shows: 'look at a directory as a tar' },
    ],
    load: async () => (await import('../actions/cp.ts')).cp,
  },
  {
    name: 'export',
    group: 'Containers',
    args: '<container>',
    summary: 'write the root file system of a container as a tar',
    description:
      'Writes the root file system as a tar, to standard output or to a file. What is mounted in it is left out: the ' +
      'places of mounts are empty.',
    options: [{ flags: '-o, --output <file>', help: 'file to write (default: standard output)' }],
    examples: [{ command: 'caisson export web | caisson import - web:flat', shows: 'make an image with one layer' }],
    load: async () => (await import('../actions/export.ts')).exportContainer,
  },
]
