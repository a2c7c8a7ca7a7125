import type { Instruction, UnsetKind } from '../instructions/instruction.ts'
import type { FileMode } from '../instructions/mode.ts'
import type { ExposedPorts } from '../instructions/ports.ts'
import type { Mount } from '../instructions/resolve-mount.ts'
import type { Word } from '../lex/position.ts'

export type Pair = readonly [name: string, value: string]

/** What RUN runs: a program, or a heredoc that is one by its first line. */
export type RunCommand =
  | { readonly kind: 'exec'; readonly args: readonly string[] }
  | { readonly kind: 'file'; readonly name: string; readonly content: string }

/** A file that is copied or added. */
export type ResolvedSource =
  /** Below the root of the context, stage or image: "/src/*.ts"; with --parents, `pivot` is what is not kept of it. */
  | { readonly kind: 'path'; readonly path: string; readonly pivot?: string }
  | { readonly kind: 'inline'; readonly name: string; readonly content: string }
  | { readonly kind: 'url' | 'git'; readonly url: string }

export interface ResolvedCopy {
  readonly sources: readonly ResolvedSource[]
  /** Absolute; ends with "/" where it is a directory whatever is there. */
  readonly destination: string
  readonly chown?: Owner
  readonly chmod?: FileMode
  readonly link: boolean
  /** Patterns as in .dockerignore. */
  readonly exclude: readonly string[]
}

/** Names or numbers, as written. */
export interface Owner {
  readonly user: string
  readonly group?: string
}

/** What an instruction comes to in its place. */
export type Effect =
  | {
      readonly name: 'RUN'
      readonly command: RunCommand
      readonly mounts: readonly Mount[]
      readonly network: 'default' | 'none' | 'host'
      readonly security: 'sandbox' | 'insecure'
      /** ENV and ARG. Not to be changed: neighbours share it. */
      readonly env: readonly Pair[]
      readonly workingDir: string
    }
  | ({ readonly name: 'COPY'; readonly from?: Word; readonly parents: boolean } & ResolvedCopy)
  | ({
      readonly name: 'ADD'
      readonly checksum?: string
      readonly keepGitDir: boolean
      readonly unpack?: boolean
    } & ResolvedCopy)
  | { readonly name: 'ARG'; readonly args: readonly (readonly [name: string, value: string | undefined])[] }
  | { readonly name: 'ENV' | 'LABEL'; readonly pairs: readonly Pair[] }
  | { readonly name: 'CMD' | 'ENTRYPOINT' | 'SHELL'; readonly args: readonly string[] }
  /** `value` is absolute; `wasRelative` says that it was not written so. */
  | { readonly name: 'WORKDIR'; readonly value: string; readonly wasRelative: boolean }
  | { readonly name: 'USER' | 'STOPSIGNAL' | 'MAINTAINER'; readonly value: string }
  | { readonly name: 'VOLUME'; readonly paths: readonly string[] }
  | { readonly name: 'EXPOSE'; readonly ports: readonly ExposedPorts[] }
  | {
      readonly name: 'HEALTHCHECK'
      /** As in an image's configuration: ['NONE'], ['CMD', ...] or ['CMD-SHELL', line]. */
      readonly test: readonly string[]
      readonly intervalNs?: number
      readonly timeoutNs?: number
      readonly startPeriodNs?: number
      readonly startIntervalNs?: number
      readonly retries?: number
    }
  | { readonly name: 'ONBUILD'; readonly expression: string }
  | { readonly name: 'UNSET'; readonly kind: UnsetKind; readonly names: readonly string[] }

export interface ResolvedInstruction {
  readonly source: Instruction
  readonly effect: Effect
}
