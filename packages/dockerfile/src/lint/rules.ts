/** Every check, what is wrong about what it finds, and what to do. */
export const RULES = {
  ConsistentInstructionCasing: { hint: 'write all instructions in capitals, or all in small letters' },
  CopyIgnoredFile: { hint: 'take the file out of .dockerignore, or do not copy it', experimental: true },
  DuplicateStageName: { hint: 'give each stage a name of its own' },
  ExposeInvalidFormat: { hint: 'name the port of the container alone; ports of the host are chosen when it is run' },
  ExposeProtoCasing: { hint: 'write the protocol in small letters' },
  FromAsCasing: { hint: 'write AS as FROM is written' },
  FromPlatformFlagConstDisallowed: { hint: 'leave the flag out, or use $BUILDPLATFORM or an ARG' },
  InvalidDefaultArgInFrom: { hint: 'give the ARG a default that is the name of an image' },
  InvalidDefinitionDescription: {
    hint: 'begin the comment with the name, or put a blank line below it',
    experimental: true,
  },
  JSONArgsRecommended: { hint: 'write ["program", "argument"], so that the program gets signals itself' },
  LegacyKeyValueFormat: { hint: 'write name=value' },
  MaintainerDeprecated: { hint: 'write LABEL org.opencontainers.image.authors=...' },
  MalformedExecForm: { hint: 'use double quotes, commas between items, and nothing behind the last bracket' },
  MultipleInstructionsDisallowed: { hint: 'keep the last one: it is the one that counts' },
  NoEmptyContinuation: { hint: 'take the blank line out' },
  RedundantTargetPlatform: { hint: 'leave the flag out: the target platform is the default' },
  ReservedStageName: { hint: 'choose another name for the stage' },
  SecretsUsedInArgOrEnv: { hint: 'use RUN --mount=type=secret: values of ARG and ENV stay in the image' },
  StageNameCasing: { hint: 'write names of stages in small letters' },
  UndefinedArgInFrom: { hint: 'declare it with ARG before the first FROM' },
  UndefinedVar: { hint: 'set it with ENV or ARG before' },
  WorkdirRelativePath: { hint: 'begin with an absolute WORKDIR: what the base image has may change' },
} as const satisfies Readonly<Record<string, { readonly hint: string; readonly experimental?: boolean }>>

/** What `check=skip=` knows. MalformedExecForm is ours. */
export type RuleName = keyof typeof RULES
