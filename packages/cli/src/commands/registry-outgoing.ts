import type { CommandSpec } from '../spec.ts'

/** Commands that concern what the engine's own registry does for others when something changes in it. */
export const REGISTRY_OUTGOING_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'registry webhook ls',
    group: 'Registry',
    summary: 'list webhooks and how their deliveries stand',
    description:
      'Lists webhooks with the deliveries that were taken, the events that are behind, those that the log held no ' +
      'more, and why the last attempt failed.',
    examples: [{ command: 'caisson registry webhook ls', shows: 'who is told, and who lags' }],
    load: async () => (await import('../actions/registry/webhooks.ts')).webhookList,
  },
  {
    name: 'registry webhook set',
    group: 'Registry',
    args: '<name> <url>',
    summary: 'tell somebody of what happens',
    description:
      'Sets a webhook as a whole: what is not said is as for a new one, but the secret, which stays. Events are sent ' +
      'by POST, at least once and in order; a new webhook begins with what happens from now on.',
    options: [
      { flags: '--event <type>', help: 'only these: manifest.pushed, manifest.pulled, blob.pushed, ...', many: true },
      { flags: '--repository <pattern>', help: "only of these: team/app, 'team/*'", many: true },
      { flags: '--secret-stdin', help: 'read the secret that deliveries are signed with from standard input' },
      { flags: '--secret-file <file>', help: 'read it from a file' },
      { flags: '--unsigned', help: 'forget the secret' },
      { flags: '--disable', help: 'send nothing; what happens meanwhile is not sent later' },
      { flags: '--insecure', help: 'plain HTTP, also to other machines' },
    ],
    examples: [
      {
        command: "caisson registry webhook set ci https://ci.example/hook --repository 'team/*' --secret-file key",
        shows: 'tell a build server of what a team pushes',
      },
    ],
    load: async () => (await import('../actions/registry/webhooks.ts')).webhookSet,
  },
  {
    name: 'registry webhook rm',
    group: 'Registry',
    args: '<name...>',
    summary: 'remove webhooks',
    description: 'Removes webhooks; nothing more is sent.',
    examples: [{ command: 'caisson registry webhook rm ci', shows: 'tell it no more' }],
    load: async () => (await import('../actions/registry/webhooks.ts')).webhookRemove,
  },
  {
    name: 'registry webhook test',
    group: 'Registry',
    args: '<name>',
    summary: 'send one delivery that tells of nothing',
    description: 'Sends a delivery whose action is ping, and shows what was answered.',
    examples: [{ command: 'caisson registry webhook test ci', shows: 'see whether it is reached' }],
    exitCodes: [{ code: '1', means: 'it was not taken' }],
    load: async () => (await import('../actions/registry/webhooks.ts')).webhookTest,
  },
  {
    name: 'registry replication ls',
    group: 'Registry',
    summary: 'list replications and how they stand',
    description: 'Lists which repositories are copied where, what waits, and why it fails.',
    examples: [{ command: 'caisson registry replication ls', shows: 'whether the copies are up to date' }],
    load: async () => (await import('../actions/registry/replications.ts')).replicationList,
  },
  {
    name: 'registry replication set',
    group: 'Registry',
    args: '<name> <url>',
    summary: 'keep copies of repositories in another registry',
    description:
      'Sets a replication as a whole: what is not said is as for a new one, but the password, which stays for the ' +
      'same registry and user. What is there already is copied at once, what is pushed later when it is.',
    options: [
      { flags: '--repository <pattern>', help: "which are copied: team/app, 'team/*', '*'", many: true },
      { flags: '--tags <pattern>', help: "only these tags: 'v*'" },
      { flags: '--prefix <prefix>', help: 'put before the names there: mirror/' },
      { flags: '-u, --username <name>', help: 'user name there' },
      { flags: '--password-stdin', help: 'read the password from standard input' },
      { flags: '--password-file <file>', help: 'read it from a file' },
      { flags: '--deletes', help: 'remove there what is removed here' },
      { flags: '--insecure', help: 'plain HTTP, also to other machines' },
    ],
    examples: [
      {
        command:
          "caisson registry replication set site2 https://site2.example --repository 'team/*' -u me " +
          '--password-file key',
        shows: 'copy what a team has',
      },
    ],
    load: async () => (await import('../actions/registry/replications.ts')).replicationSet,
  },
  {
    name: 'registry replication rm',
    group: 'Registry',
    args: '<name...>',
    summary: 'remove replications; the copies stay',
    description: 'Removes replications. What was copied stays where it is.',
    examples: [{ command: 'caisson registry replication rm site2', shows: 'copy no more' }],
    load: async () => (await import('../actions/registry/replications.ts')).replicationRemove,
  },
  {
    name: 'registry replication sync',
    group: 'Registry',
    args: '<name...>',
    summary: 'copy whatever a target lacks',
    description: 'Goes through all tags of all repositories that are copied, and copies what is not at the target.',
    examples: [{ command: 'caisson registry replication sync site2', shows: 'after the target was restored' }],
    load: async () => (await import('../actions/registry/replications.ts')).replicationSync,
  },
]
