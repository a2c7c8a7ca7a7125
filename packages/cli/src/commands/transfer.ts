import type { CommandSpec, OptionSpec } from '../spec.ts'
import { PLATFORM_OPTION } from './shared-options.ts'

const QUIET: OptionSpec = { flags: '-q, --quiet', help: 'show only the name' }

/** Commands that speak with registries. */
export const TRANSFER_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'pull',
    aliases: ['image pull'],
    group: 'Images',
    args: '<name>',
    summary: 'fetch an image from a registry',
    description:
      'Fetches an image from a registry. Layers that are here are not fetched again, and a pull that was interrupted goes ' +
      'on where it was. With a digest (name@sha256:...) the image gets no name and is found by that. Prints the name and ' +
      'the digest; with --format json the messages of the stream.',
    options: [
      { flags: '-a, --all-tags', help: 'every tag of the repository that is an image for the platform' },
      PLATFORM_OPTION,
      QUIET,
    ],
    examples: [
      { command: 'caisson pull debian:bookworm', shows: 'pull from Docker Hub' },
      { command: 'caisson pull --platform linux/arm64 localhost:5000/app', shows: 'pull for another platform' },
    ],
    load: async () => (await import('../actions/transfer.ts')).pull,
  },
  {
    name: 'push',
    aliases: ['image push'],
    group: 'Images',
    args: '<name>',
    summary: 'send an image to a registry',
    description:
      'Sends an image to the registry that its name says. Layers that the registry has are not sent again. An image for ' +
      'several platforms is sent whole when all of them are here; otherwise, and with --platform, one of them.',
    options: [
      { flags: '-a, --all-tags', help: 'every tag of the repository that is here' },
      { flags: '--platform <platform>', help: 'platform to send: linux/amd64 (default: all that are here)' },
      QUIET,
    ],
    examples: [
      { command: 'caisson push registry.example.com/app:1', shows: 'push an image that has this name' },
      { command: 'caisson push -a localhost:5000/app', shows: 'push every tag of a repository' },
    ],
    load: async () => (await import('../actions/transfer.ts')).push,
  },
  {
    name: 'login',
    group: 'Images',
    args: '[registry]',
    summary: 'log in to a registry',
    description:
      'Shows a registry (docker.io when none is named) a user name and a password, and keeps them when it takes them, for ' +
      'pull, push, run, tags and search of this user: in ~/.config/caisson/auth.json, or the file that CAISSON_AUTH_FILE ' +
      'names, which has the form of config.json of docker and may be shared with it. Without --password-stdin the password ' +
      'is asked for. The service itself keeps nothing of it; what its own configuration names is used when this user has no ' +
      'login.',
    options: [
      { flags: '-u, --username <name>', help: 'the user, or the id of a token' },
      { flags: '--password-stdin', help: 'read the password from standard input' },
    ],
    examples: [
      { command: 'caisson login registry.example.com', shows: 'log in, and be asked for name and password' },
      {
        command: 'caisson login -u robot --password-stdin localhost:5000',
        shows: 'log in from a script that writes the password to it',
      },
    ],
    load: async () => (await import('../actions/login.ts')).login,
  },
  {
    name: 'logout',
    group: 'Images',
    args: '[registry]',
    summary: 'forget the login of a registry',
    description: 'Removes what login has kept for a registry (docker.io when none is named).',
    examples: [{ command: 'caisson logout registry.example.com', shows: 'log out' }],
    load: async () => (await import('../actions/login.ts')).logout,
  },
  {
    name: 'tags',
    group: 'Images',
    args: '<repository>',
    summary: 'list the tags of a repository in its registry',
    description: 'Asks the registry of a repository for its tags, and prints one a line, in the order of the registry.',
    examples: [{ command: 'caisson tags localhost:5000/team/app', shows: 'see what can be pulled' }],
    load: async () => (await import('../actions/registry-lists.ts')).tags,
  },
  {
    name: 'search',
    group: 'Images',
    args: '<registry> [part]',
    summary: 'find repositories in a registry',
    description:
      'Lists the repositories of a registry whose names have a part in them. It reads the catalog of the registry, which ' +
      'registries of teams have; Docker Hub and other public ones have none.',
    options: [{ flags: '--limit <count>', help: 'the most that are shown' }],
    examples: [{ command: 'caisson search localhost:5000 app', shows: 'find repositories with app in their names' }],
    load: async () => (await import('../actions/registry-lists.ts')).search,
  },
]
