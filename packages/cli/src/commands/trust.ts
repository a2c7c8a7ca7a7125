import type { CommandSpec } from '../spec.ts'

/** Commands that concern the trust in images. */
export const TRUST_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'trust check',
    group: 'Images',
    args: '<image...>',
    summary: 'tell whether the trust policy lets containers be made of images',
    description:
      'Judges images by the trust policy and the signatures that are known. A name is judged by its own rule; an id or a ' +
      'digest by the rules of all names of the image. Nothing is fetched: pulling an image fetches its signatures.',
    examples: [{ command: 'caisson trust check debian', shows: 'may it run?' }],
    exitCodes: [{ code: '1', means: 'at least one image is rejected' }],
    load: async () => (await import('../actions/trust.ts')).trustCheck,
  },
  {
    name: 'trust inspect',
    group: 'Images',
    args: '<image...>',
    summary: 'show what is known of the signatures of images',
    description: 'Shows for every name of an image its state, the rule that says so, and the keys that have signed it.',
    examples: [{ command: 'caisson trust inspect debian', shows: 'who has signed it' }],
    load: async () => (await import('../actions/trust.ts')).trustInspect,
  },
  {
    name: 'trust policy',
    group: 'Images',
    args: '[file]',
    summary: 'show the trust policy, or check a file before it becomes the policy',
    description:
      'Shows the rules in use. With a file, or - for standard input, it checks that document instead and shows its rules; ' +
      'key files are looked for beside the policy in use.',
    examples: [
      { command: 'caisson trust policy', shows: 'show the rules' },
      { command: 'caisson trust policy trust.json', shows: 'check a file' },
    ],
    load: async () => (await import('../actions/trust.ts')).trustPolicy,
  },
]
