/** Every instruction, in capitals. UNSET is ours. */
export const INSTRUCTION_NAMES = [
  'ADD',
  'ARG',
  'CMD',
  'COPY',
  'ENTRYPOINT',
  'ENV',
  'EXPOSE',
  'FROM',
  'HEALTHCHECK',
  'LABEL',
  'MAINTAINER',
  'ONBUILD',
  'RUN',
  'SHELL',
  'STOPSIGNAL',
  'UNSET',
  'USER',
  'VOLUME',
  'WORKDIR',
] as const

export type InstructionName = (typeof INSTRUCTION_NAMES)[number]
