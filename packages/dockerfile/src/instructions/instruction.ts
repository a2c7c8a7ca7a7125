import type { Heredoc } from '../heredoc/heredoc.ts'
import type { Range, Word } from '../lex/position.ts'
import type { MountFlag } from './mount.ts'

/** What every instruction tells of itself. */
export interface InstructionBase {
  /** The keyword as written: `name` is it in capitals. */
  readonly keyword: Word
  /** The whole, heredocs included. */
  readonly range: Range
  /** The instruction in one line, heredocs left out: what a history shows. */
  readonly text: string
  /** The comments right before it. */
  readonly comments: readonly Word[]
}

export interface FromInstruction extends InstructionBase {
  readonly name: 'FROM'
  /** An image, "scratch" or an earlier stage; not expanded. */
  readonly base: Word
  readonly platform?: Word
  /** As written: stage names are compared without regard to case. */
  readonly stageName?: Word
  /** The word AS as written. */
  readonly as?: Word
}

export interface ArgInstruction extends InstructionBase {
  readonly name: 'ARG'
  readonly args: readonly ArgDeclaration[]
}

export interface ArgDeclaration {
  readonly key: Word
  readonly value?: Word
}

export interface KeyValue {
  readonly key: Word
  readonly value: Word
}

export interface KeyValuesInstruction extends InstructionBase {
  readonly name: 'ENV' | 'LABEL'
  readonly pairs: readonly KeyValue[]
  /** `ENV name value`, without an equals sign. */
  readonly isLegacy: boolean
}

/** A program with its arguments, or a line for the shell. */
export type CommandForm =
  | { readonly form: 'exec'; readonly args: readonly string[] }
  | { readonly form: 'shell'; readonly line: string }

/** A command and where it stands. */
export interface CommandLine {
  readonly command: CommandForm
  readonly commandRange: Range
  /** It begins like JSON, but is none. */
  readonly isBrokenJson: boolean
}

export interface RunInstruction extends InstructionBase, CommandLine {
  readonly name: 'RUN'
  readonly mounts: readonly MountFlag[]
  readonly network?: 'default' | 'none' | 'host'
  readonly security?: 'sandbox' | 'insecure'
  readonly heredocs: readonly Heredoc[]
}

export interface CommandInstruction extends InstructionBase, CommandLine {
  readonly name: 'CMD' | 'ENTRYPOINT'
}

export interface ShellInstruction extends InstructionBase {
  readonly name: 'SHELL'
  readonly shell: readonly string[]
}

/** A file to copy: a path or URL, or a heredoc. */
export type Source =
  | { readonly kind: 'path'; readonly path: Word }
  | { readonly kind: 'heredoc'; readonly heredoc: Heredoc }

interface CopyBase extends InstructionBase {
  readonly sources: readonly Source[]
  readonly destination: Word
  readonly chown?: Word
  readonly chmod?: Word
  readonly link: boolean
  readonly exclude: readonly Word[]
}

export interface CopyInstruction extends CopyBase {
  readonly name: 'COPY'
  /** A stage by name or number, or an image; never expanded. */
  readonly from?: Word
  /** Parent directories of the sources are kept. */
  readonly parents: boolean
}

export interface AddInstruction extends CopyBase {
  readonly name: 'ADD'
  readonly checksum?: Word
  readonly keepGitDir: boolean
  /** Whether archives are unpacked; absent: local ones are, downloaded ones are not. */
  readonly unpack?: boolean
}

export interface ValueInstruction extends InstructionBase {
  readonly name: 'WORKDIR' | 'USER' | 'STOPSIGNAL' | 'MAINTAINER'
  readonly value: Word
}

export interface ListInstruction extends InstructionBase {
  readonly name: 'VOLUME' | 'EXPOSE'
  readonly values: readonly Word[]
}

export interface HealthcheckInstruction extends InstructionBase {
  readonly name: 'HEALTHCHECK'
  /** Absent: no check, not even the base image's. */
  readonly check?: CommandLine & HealthcheckTimes
}

/** In nanoseconds; absent or 0: the engine's default. */
export interface HealthcheckTimes {
  readonly intervalNs?: number
  readonly timeoutNs?: number
  readonly startPeriodNs?: number
  readonly startIntervalNs?: number
  readonly retries?: number
}

export interface OnbuildInstruction extends InstructionBase {
  readonly name: 'ONBUILD'
  readonly trigger: Instruction
  /** What the image keeps, heredocs included; parseTrigger reads it again. */
  readonly expression: string
}

export type UnsetKind = 'VOLUME' | 'EXPOSE' | 'ENTRYPOINT' | 'CMD' | 'HEALTHCHECK' | 'LABEL' | 'ENV'

/** Ours: takes away what was inherited. */
export interface UnsetInstruction extends InstructionBase {
  readonly name: 'UNSET'
  readonly kind: UnsetKind
  /** Which ones; none: all of them. */
  readonly names: readonly Word[]
}

/** What may stand in a stage. */
export type Instruction =
  | ArgInstruction
  | KeyValuesInstruction
  | RunInstruction
  | CommandInstruction
  | ShellInstruction
  | CopyInstruction
  | AddInstruction
  | ValueInstruction
  | ListInstruction
  | HealthcheckInstruction
  | OnbuildInstruction
  | UnsetInstruction
