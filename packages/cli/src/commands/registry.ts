import type { CommandSpec } from '../spec.ts'

/** Commands that concern what the engine's own registry holds. */
export const REGISTRY_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'registry init',
    group: 'Registry',
    summary: 'write the configuration that makes up start a registry',
    description:
      'Writes DIR/etc/registry.json (/etc/caisson/registry.json); the next up starts the registry beside the ' +
      'engine, or alone with up --service registry. Without a certificate it listens on a loopback address only.',
    options: [
      { flags: '--listen <address>', help: 'address and port (default: 127.0.0.1:5000)' },
      { flags: '--tls-cert <file>', help: 'certificate chain, PEM' },
      { flags: '--tls-key <file>', help: 'its key, PEM' },
      { flags: '--public-url <url>', help: 'what clients call the registry: https://registry.example.com' },
    ],
    examples: [
      { command: 'caisson registry init', shows: 'a registry on 127.0.0.1:5000' },
      {
        command: 'caisson registry init --listen 0.0.0.0:443 --tls-cert /etc/ssl/r.pem --tls-key /etc/ssl/r.key',
        shows: 'a registry for others',
      },
    ],
    load: async () => (await import('../actions/registry/init.ts')).registryInit,
  },
  {
    name: 'registry ls',
    group: 'Registry',
    args: '[prefix]',
    summary: 'list repositories with their sizes',
    description: "Lists the repositories of the engine's own registry, or those whose names begin so.",
    examples: [{ command: 'caisson registry ls team/', shows: 'what a team has' }],
    load: async () => (await import('../actions/registry/repositories.ts')).registryList,
  },
  {
    name: 'registry tags',
    group: 'Registry',
    args: '<repository>',
    summary: 'list the tags of a repository and what they point at',
    description: 'Lists tags with digest and with the times of their last push and pull.',
    examples: [{ command: 'caisson registry tags team/app', shows: 'see what is there' }],
    load: async () => (await import('../actions/registry/repositories.ts')).registryTags,
  },
  {
    name: 'registry inspect',
    group: 'Registry',
    args: '<name...>',
    summary: 'tell all about repositories or manifests',
    description:
      'Prints JSON: of NAME the repository with its policy, of NAME:TAG or NAME@DIGEST the manifest, what it ' +
      'refers to, and the tags that point at it.',
    examples: [{ command: 'caisson registry inspect team/app:1', shows: 'look at a manifest' }],
    load: async () => (await import('../actions/registry/repositories.ts')).registryInspect,
  },
  {
    name: 'registry referrers',
    group: 'Registry',
    args: '<name>',
    summary: 'list what refers to a manifest',
    description:
      'Lists signatures, attestations, bills of material and other manifests whose subject is the one named by ' +
      'tag or digest.',
    options: [{ flags: '--type <type>', help: 'only of this artifact type' }],
    examples: [{ command: 'caisson registry referrers team/app:1', shows: 'find signatures' }],
    load: async () => (await import('../actions/registry/repositories.ts')).registryReferrers,
  },
  {
    name: 'registry rm',
    group: 'Registry',
    args: '<name...>',
    summary: 'remove tags, manifests or repositories',
    description:
      'Removes NAME:TAG, NAME@DIGEST with every tag that points at it, or with --force all of NAME. Blobs go ' +
      'with the next collection of garbage.',
    options: [{ flags: '-f, --force', help: 'a whole repository too' }],
    examples: [{ command: 'caisson registry rm team/app:old', shows: 'remove a tag' }],
    load: async () => (await import('../actions/registry/repositories.ts')).registryRemove,
  },
  {
    name: 'registry policy show',
    group: 'Registry',
    args: '<repository>',
    summary: 'show the policy of a repository',
    description: 'Shows what a repository allows and keeps, with what it inherits.',
    examples: [{ command: 'caisson registry policy show team/app', shows: 'who may pull, what is kept' }],
    load: async () => (await import('../actions/registry/policy.ts')).policyShow,
  },
  {
    name: 'registry policy set',
    group: 'Registry',
    args: '<name>',
    summary: 'set what a repository or namespace allows and keeps',
    description: 'Sets the whole policy of a repository, or of all below a name (team/*): what is not said is off.',
    options: [
      { flags: '--anonymous-pull', help: 'everybody may pull' },
      { flags: '--immutable <pattern>', help: 'tags that never move once they are pushed', many: true },
      { flags: '--quota <size>', help: 'the most that it may hold' },
      { flags: '--keep <rule>', help: 'keep only these: tags=v*,newest=10,days=30,pulled-days=7', many: true },
      { flags: '--deletes', help: 'tags and manifests may be removed over HTTP' },
    ],
    examples: [{ command: "caisson registry policy set 'team/*' --immutable 'v*' --quota 50g", shows: 'limit a team' }],
    load: async () => (await import('../actions/registry/policy.ts')).policySet,
  },
  {
    name: 'registry policy unset',
    group: 'Registry',
    args: '<name>',
    summary: 'inherit the policy again',
    description: 'Removes the policy of a repository, or of all below a name (team/*).',
    examples: [{ command: "caisson registry policy unset 'team/*'", shows: 'back to what is above' }],
    load: async () => (await import('../actions/registry/policy.ts')).policyUnset,
  },
  {
    name: 'registry df',
    group: 'Registry',
    summary: 'show what the registry stores',
    description: 'Shows the bytes of each namespace, the first part of names, and of everything.',
    examples: [{ command: 'caisson registry df', shows: 'find out who stores what' }],
    load: async () => (await import('../actions/registry/storage.ts')).registryUsage,
  },
  {
    name: 'registry gc',
    group: 'Registry',
    summary: 'remove what no manifest needs',
    description:
      'Collects garbage now; pushes and pulls go on meanwhile. Blobs that were sent or asked for lately are ' + 'kept.',
    options: [{ flags: '--dry-run', help: 'only tell what would go' }],
    examples: [{ command: 'caisson registry gc --dry-run', shows: 'see what would go' }],
    load: async () => (await import('../actions/registry/storage.ts')).registryGc,
  },
  {
    name: 'registry retention',
    group: 'Registry',
    args: '[repository]',
    summary: 'remove the tags that no rule keeps',
    description: 'Applies the rules of retention of one repository or of all.',
    options: [{ flags: '--dry-run', help: 'only tell what would go' }],
    examples: [{ command: 'caisson registry retention --dry-run team/app', shows: 'see what would go' }],
    load: async () => (await import('../actions/registry/storage.ts')).registryRetention,
  },
]
