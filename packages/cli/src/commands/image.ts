import type { CommandSpec } from '../spec.ts'
import { PLATFORM_OPTION } from './shared-options.ts'

/** Commands that concern images. */
export const IMAGE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'images',
    aliases: ['image ls'],
    group: 'Images',
    args: '[name...]',
    summary: 'list images',
    description:
      'Lists images by name. Filters: id=, label=, reference=NAME, dangling=true|false, before=IMAGE, since=IMAGE, ' +
      'until=TIME. SIZE is that of the unpacked layers; images share layers.',
    options: [
      { flags: '-a, --all', help: 'all images (there are no hidden ones: for scripts that say so)' },
      { flags: '-q, --quiet', help: 'only ids' },
      { flags: '-f, --filter <filter>', help: 'only some of them', many: true },
      { flags: '--digests', help: 'show digests' },
      { flags: '--trust', help: 'show what the trust policy says' },
      { flags: '--unique', help: 'show the size of what no other image shares' },
      { flags: '--no-trunc', help: 'shorten nothing' },
    ],
    examples: [{ command: 'caisson images', shows: 'list images' }],
    load: async () => (await import('../actions/images.ts')).images,
  },
  {
    name: 'image rm',
    aliases: ['rmi'],
    group: 'Images',
    args: '<image...>',
    summary: 'remove names of images, and with the last one the image',
    description:
      'Removes names of images. With its last name an image goes, on every platform, and its layers unless others need ' +
      'them. By id or digest an image with several names is refused without --force. What a container needs stays in any case.',
    options: [
      { flags: '-f, --force', help: 'by id or digest: remove all names of the image' },
      { flags: '--no-prune', help: 'keep the layers below the topmost one until garbage is collected' },
    ],
    examples: [{ command: 'caisson image rm debian', shows: 'remove an image' }],
    load: async () => (await import('../actions/images.ts')).imageRm,
  },
  {
    name: 'tag',
    aliases: ['image tag'],
    group: 'Images',
    args: '<image> <name>',
    summary: 'give an image one more name',
    description: 'Gives an image one more name. A name that stands for another image is moved.',
    examples: [{ command: 'caisson tag debian debian:mine', shows: 'name an image' }],
    load: async () => (await import('../actions/images.ts')).tag,
  },
  {
    name: 'import',
    aliases: ['image import'],
    group: 'Images',
    args: '<file> [name]',
    summary: 'make an image from a tar of a root file system',
    description:
      'Makes an image with one layer from a tar: plain, gzip or zstd, from a file or with - from standard input.',
    options: [
      {
        flags: '-c, --change <instruction>',
        help: 'set its config: CMD ["/bin/sh"], ENV A=b, USER, WORKDIR',
        many: true,
      },
      { flags: '-m, --message <text>', help: 'remark for its history' },
      PLATFORM_OPTION,
    ],
    examples: [
      { command: `caisson import -c 'CMD ["/bin/bash"]' rootfs.tar.zst debian`, shows: 'import a root file system' },
      { command: 'mmdebstrap --variant=minbase bookworm - | caisson import - debian', shows: 'import from a pipe' },
    ],
    load: async () => (await import('../actions/import.ts')).importImage,
  },
  {
    name: 'load',
    aliases: ['image load'],
    group: 'Images',
    summary: 'read images from an archive',
    description:
      'Reads images from a docker-archive or an OCI layout in a tar, from a file or from standard input. A name that an ' +
      'image here has already is moved, and that is said.',
    options: [
      { flags: '-i, --input <file>', help: 'file to read (default: standard input)' },
      { flags: '--name <name>', help: 'name for an image to which the archive gives none' },
      { ...PLATFORM_OPTION, many: true },
      { flags: '--all-platforms', help: 'take every platform that the archive holds' },
    ],
    examples: [{ command: 'docker save debian | caisson load', shows: 'take an image over from Docker' }],
    load: async () => (await import('../actions/import.ts')).load,
  },
  {
    name: 'save',
    aliases: ['image save'],
    group: 'Images',
    args: '<image...>',
    summary: 'write images to an archive',
    description:
      'Writes images as one tar that is an OCI layout and a docker-archive at once, to a file or to standard output. ' +
      'Layers stay as they are stored, compressed or not; the same images make the same bytes. A file is there only once it ' +
      'is whole. An image that is asked for by its id gets no name.',
    options: [
      { flags: '-o, --output <file>', help: 'file to write (default: standard output)' },
      { flags: '--platform <platform>', help: 'platform to take (default: all that are there)', many: true },
    ],
    examples: [
      { command: 'caisson save -o debian.tar debian', shows: 'write an image to a file' },
      { command: 'caisson save web db | zstd > stack.tar.zst', shows: 'several images, compressed' },
    ],
    load: async () => (await import('../actions/save.ts')).save,
  },
  {
    name: 'history',
    aliases: ['image history'],
    group: 'Images',
    args: '<image>',
    summary: 'show how an image was made',
    description:
      'Shows the steps of the history of an image, the newest first, with the sizes of their unpacked layers.',
    options: [
      { flags: '-q, --quiet', help: 'only ids' },
      { flags: '--no-trunc', help: 'shorten nothing' },
      PLATFORM_OPTION,
    ],
    examples: [{ command: 'caisson history debian', shows: 'show how an image was made' }],
    load: async () => (await import('../actions/history.ts')).history,
  },
  {
    name: 'image inspect',
    group: 'Images',
    args: '<image...>',
    summary: 'show all about images',
    description:
      'Prints one JSON array of everything that is known of images: the message Image of the contract in the JSON form of ' +
      'protocol buffers, or with --docker the document that Docker prints.',
    options: [{ flags: '--docker', help: "in Docker's form" }, PLATFORM_OPTION],
    examples: [
      { command: "caisson image inspect debian | jq '.[0].config.env'", shows: 'look at one field' },
      { command: "caisson image inspect --docker debian | jq '.[0].RootFS.Layers'", shows: 'as Docker has it' },
    ],
    load: async () => (await import('../actions/image-inspect.ts')).imageInspect,
  },
  {
    name: 'image prune',
    group: 'Images',
    summary: 'remove images that nothing needs',
    description:
      'Removes images without a name, or with -a all that no container needs, and tells how much that freed. Filters: ' +
      'until=TIME (made before), label=NAME[=value], label!=NAME[=value]. It asks first, on a terminal.',
    options: [
      { flags: '-a, --all', help: 'also images that have names' },
      { flags: '--filter <filter>', help: 'only some of them', many: true },
      { flags: '-f, --force', help: 'do not ask' },
      { flags: '--dry-run', help: 'tell what would go, and remove nothing' },
    ],
    examples: [
      { command: 'caisson image prune -f', shows: 'remove images without a name' },
      { command: 'caisson image prune -a --filter until=240h --dry-run', shows: 'what an older clean-up would free' },
    ],
    load: async () => (await import('../actions/image-prune.ts')).imagePrune,
  },
]
