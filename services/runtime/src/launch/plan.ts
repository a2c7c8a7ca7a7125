/**
 * The launch plan as typed records: what native/src/plan.h describes, one interface a record.
 *
 * Numbers named `flags` and `kind` are those of plan-format.ts. Integers are unsigned and fit the width that plan.h
 * gives them; strings hold no NUL. encodePlan checks both.
 */
export type PlanRecord =
  | { readonly type: 'launch'; readonly kind: number; readonly flags: number }
  /** `flags`: CLONE_NEW* of the namespaces to make. */
  | { readonly type: 'namespaces'; readonly flags: number }
  /** `flag`: one CLONE_NEW*. */
  | { readonly type: 'join'; readonly flag: number; readonly path: string }
  | IdMapRecord
  | {
      readonly type: 'execTarget'
      readonly pid: number
      /** Field 22 of /proc/pid/stat, clock ticks since boot. */
      readonly startTime: bigint
      readonly namespaces: number
    }
  | { readonly type: 'cgroupDir'; readonly flags: number; readonly path: string }
  | { readonly type: 'cgroupWrite'; readonly flags: number; readonly path: string; readonly value: string }
  /** `program`: struct bpf_insn[], 8 bytes each. */
  | { readonly type: 'cgroupDevices'; readonly program: Uint8Array }
  | { readonly type: 'oomFile'; readonly kind: number; readonly path: string }
  | { readonly type: 'usageFile'; readonly kind: number; readonly path: string }
  | RootOverlayRecord
  | { readonly type: 'rootBind'; readonly flags: number; readonly path: string }
  | { readonly type: 'rootPropagation'; readonly propagation: number }
  | MountRecord
  | DevNodeRecord
  | { readonly type: 'devLink'; readonly name: string; readonly target: string }
  | { readonly type: 'mask'; readonly path: string }
  | { readonly type: 'readonly'; readonly path: string }
  | { readonly type: 'hostname'; readonly name: string }
  | { readonly type: 'domainname'; readonly name: string }
  /** `file` is relative to /proc/sys: "net/ipv4/ip_forward". */
  | { readonly type: 'sysctl'; readonly file: string; readonly value: string }
  | { readonly type: 'argv'; readonly value: string }
  /** `value`: NAME=value. */
  | { readonly type: 'env'; readonly value: string }
  | { readonly type: 'cwd'; readonly flags: number; readonly path: string }
  | { readonly type: 'user'; readonly flags: number; readonly name: string }
  | { readonly type: 'group'; readonly name: string }
  | { readonly type: 'umask'; readonly mask: number }
  | { readonly type: 'rlimit'; readonly resource: number; readonly soft: bigint; readonly hard: bigint }
  | CapabilitiesRecord
  /** `program`: struct sock_filter[], 8 bytes each. `flags`: SECCOMP_FILTER_FLAG_*. */
  | { readonly type: 'seccomp'; readonly flags: number; readonly program: Uint8Array }
  | { readonly type: 'oomScoreAdj'; readonly value: number }
  | { readonly type: 'init' }
  | { readonly type: 'stdio'; readonly flags: number; readonly rows: number; readonly columns: number }
  | { readonly type: 'log'; readonly segmentBytes: number; readonly segments: number; readonly flags: number }

export interface IdMapRecord {
  readonly type: 'uidMap' | 'gidMap'
  readonly inside: number
  readonly outside: number
  readonly count: number
}

export interface RootOverlayRecord {
  readonly type: 'rootOverlay'
  readonly flags: number
  /** '' together with an empty workDir: the root is read-only. */
  readonly upperDir: string
  readonly workDir: string
  /** Extra overlay options, '' for none. */
  readonly options: string
  /** From the topmost layer to the lowest. */
  readonly lowers: readonly string[]
}

export interface MountRecord {
  readonly type: 'mount'
  readonly kind: number
  readonly flags: number
  readonly target: string
  readonly source: string
  readonly options: string
}

export interface DevNodeRecord {
  readonly type: 'devNode'
  /** S_IFCHR or S_IFBLK together with the permissions. */
  readonly mode: number
  readonly major: number
  readonly minor: number
  readonly uid: number
  readonly gid: number
  /** Relative to /dev. */
  readonly name: string
}

export interface CapabilitiesRecord {
  readonly type: 'capabilities'
  /** Bit n is capability n. */
  readonly bounding: bigint
  readonly effective: bigint
  readonly permitted: bigint
  readonly inheritable: bigint
  readonly ambient: bigint
}

export type PlanRecordType = PlanRecord['type']
export type PlanRecordOf<T extends PlanRecordType> = T extends IdMapRecord['type']
  ? IdMapRecord
  : Extract<PlanRecord, { readonly type: T }>
