import type { CommandSpec } from '../spec.ts'

/** Commands that concern registries whose content the engine's own registry holds. */
export const REGISTRY_UPSTREAM_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'registry upstream ls',
    group: 'Registry',
    summary: 'list the registries that content is taken from',
    description: 'Lists upstreams with the names that their repositories have here, without passwords.',
    examples: [{ command: 'caisson registry upstream ls', shows: 'where content comes from' }],
    load: async () => (await import('../actions/registry/upstreams.ts')).upstreamList,
  },
  {
    name: 'registry upstream set',
    group: 'Registry',
    args: '<name>',
    summary: 'take repositories from another registry when they are asked for',
    description:
      'Sets an upstream as a whole. What is pulled of it is held here, and served when the upstream does not answer. ' +
      'The name is what references have before the first slash; clients that ask for it by ns= find it by that. ' +
      'A password that is held stays when none is given and neither URL nor user name change.',
    options: [
      { flags: '--url <url>', help: 'where it is: https://registry.example (default: https:// and the name)' },
      { flags: '--prefix <name>', help: 'repositories below this name are its own (default: the name)' },
      { flags: '-u, --username <name>', help: 'who asks (default: nobody in particular)' },
      { flags: '--password-stdin', help: 'read the password from standard input' },
      { flags: '--password-file <file>', help: 'read the password from a file' },
      { flags: '--token-host <host>', help: 'a host that may be sent the password, besides the upstream', many: true },
      { flags: '--revalidate <time>', help: 'how long a tag is trusted before it is checked again (default: 5m)' },
      { flags: '--ca-cert <file>', help: "authorities that are trusted besides the system's, PEM" },
      { flags: '--insecure', help: 'plain http although others are on the way' },
      { flags: '--private-network', help: 'its name may lead to a private network' },
      { flags: '--max-downloads <count>', help: 'downloads of blobs at a time (default: 8)' },
      { flags: '--adopt', help: 'take over repositories that are there under the prefix' },
    ],
    examples: [
      {
        command: 'caisson registry upstream set registry.example --prefix hub',
        shows: 'pull hub/library/debian for its library/debian',
      },
      {
        command: 'caisson registry upstream set registry.example -u ann --password-stdin --token-host auth.example',
        shows: 'with a login, which a token server elsewhere gets too',
      },
    ],
    load: async () => (await import('../actions/registry/upstreams.ts')).upstreamSet,
  },
  {
    name: 'registry upstream rm',
    group: 'Registry',
    args: '<name...>',
    summary: 'take nothing more from other registries',
    description: 'Removes upstreams. What is held of them stays, as ordinary repositories.',
    examples: [{ command: 'caisson registry upstream rm registry.example', shows: 'remove an upstream' }],
    load: async () => (await import('../actions/registry/upstreams.ts')).upstreamRemove,
  },
]
