import type { CommandSpec } from '../spec.ts'

/** Commands that concern who may do what in the engine's own registry. */
export const REGISTRY_ACCESS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'registry user ls',
    group: 'Registry',
    summary: 'list users and their rights',
    description: 'Lists users, their rights, and when they last came in.',
    examples: [{ command: 'caisson registry user ls', shows: 'who there is' }],
    load: async () => (await import('../actions/registry/users.ts')).userList,
  },
  {
    name: 'registry user create',
    group: 'Registry',
    args: '<name>',
    summary: 'make a user',
    description: 'Makes a user with a password and rights on repositories.',
    options: [
      { flags: '--grant <grant>', help: 'rights: PATTERN=pull,push,delete,admin', many: true },
      { flags: '--password-stdin', help: 'read the password from standard input' },
    ],
    examples: [{ command: "caisson registry user create ann --grant 'team/*=pull,push'", shows: 'a user of a team' }],
    load: async () => (await import('../actions/registry/users.ts')).userCreate,
  },
  {
    name: 'registry user update',
    group: 'Registry',
    args: '<name>',
    summary: 'change a user',
    description: 'Changes the password, the rights as a whole, or whether a user may come in.',
    options: [
      { flags: '--grant <grant>', help: 'rights: PATTERN=pull,push,delete,admin', many: true },
      { flags: '--password', help: 'ask for a new password' },
      { flags: '--password-stdin', help: 'read the password from standard input' },
      { flags: '--disable', help: 'lock out' },
      { flags: '--enable', help: 'let in again' },
    ],
    examples: [{ command: 'caisson registry user update --disable ann', shows: 'lock a user out' }],
    load: async () => (await import('../actions/registry/users.ts')).userUpdate,
  },
  {
    name: 'registry user rm',
    group: 'Registry',
    args: '<name...>',
    summary: 'remove users and their tokens',
    description: 'Removes users; their tokens let nobody in from then on.',
    examples: [{ command: 'caisson registry user rm ann', shows: 'remove a user' }],
    load: async () => (await import('../actions/registry/users.ts')).userRemove,
  },
  {
    name: 'registry user import',
    group: 'Registry',
    args: '[file]',
    summary: 'take users over from an htpasswd file',
    description:
      'Takes users with bcrypt passwords over from a file or from standard input. They have no rights until some ' +
      'are given.',
    examples: [{ command: 'caisson registry user import /etc/registry/htpasswd', shows: 'move from another registry' }],
    exitCodes: [{ code: '1', means: 'some lines were not taken' }],
    load: async () => (await import('../actions/registry/users.ts')).userImport,
  },
  {
    name: 'registry token ls',
    group: 'Registry',
    args: '[user]',
    summary: 'list the tokens of programs',
    description: 'Lists tokens with their rights and their end, of one user or of all.',
    examples: [{ command: 'caisson registry token ls', shows: 'which tokens there are' }],
    load: async () => (await import('../actions/registry/tokens.ts')).tokenList,
  },
  {
    name: 'registry token create',
    group: 'Registry',
    args: '<user>',
    summary: 'make a token for a program',
    description:
      'Makes a token that belongs to a user and never has more rights than that user. Its secret is printed once ' +
      'and not kept.',
    options: [
      { flags: '--grant <grant>', help: 'rights: PATTERN=pull,push,delete,admin', many: true },
      { flags: '--description <text>', help: 'what it is for' },
      { flags: '--ttl <time>', help: 'how long it lasts (default: 90d)' },
    ],
    examples: [
      {
        command: "caisson registry token create ann --grant 'team/app=push' --description ci --ttl 30d",
        shows: 'a token for a build server',
      },
    ],
    load: async () => (await import('../actions/registry/tokens.ts')).tokenCreate,
  },
  {
    name: 'registry token rm',
    group: 'Registry',
    args: '<id...>',
    summary: 'remove tokens',
    description: 'Removes tokens; they let nobody in from then on.',
    examples: [{ command: 'caisson registry token rm ID', shows: 'remove a token' }],
    load: async () => (await import('../actions/registry/tokens.ts')).tokenRemove,
  },
]
