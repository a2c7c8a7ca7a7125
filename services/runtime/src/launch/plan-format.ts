/**
 * The numbers of the launch plan. native/src/plan.h is the definition; plan.test.ts reads that file and compares.
 */

export const PLAN_MAGIC = 0x4e4c5043
export const PLAN_VERSION = 1
export const PLAN_MAX_BYTES = 4 << 20
export const PLAN_MAX_RECORDS = 100_000

/** Record numbers, by the name of the record in {@link PlanRecord}. */
export const RECORD_NUMBER = {
  launch: 1,
  namespaces: 2,
  join: 3,
  uidMap: 4,
  gidMap: 5,
  execTarget: 6,
  cgroupDir: 16,
  cgroupWrite: 17,
  cgroupDevices: 18,
  oomFile: 19,
  usageFile: 20,
  rootOverlay: 32,
  rootBind: 33,
  rootPropagation: 34,
  mount: 48,
  devNode: 49,
  devLink: 50,
  mask: 51,
  readonly: 52,
  hostname: 64,
  domainname: 65,
  sysctl: 66,
  argv: 67,
  env: 68,
  cwd: 69,
  user: 70,
  group: 71,
  umask: 72,
  rlimit: 73,
  capabilities: 74,
  seccomp: 75,
  oomScoreAdj: 76,
  init: 77,
  stdio: 80,
  log: 81,
} as const

/** Records that a plan holds at most once. */
export const ONCE = {
  launch: true,
  namespaces: true,
  execTarget: true,
  cgroupDevices: true,
  oomFile: true,
  rootOverlay: true,
  rootBind: true,
  rootPropagation: true,
  hostname: true,
  domainname: true,
  cwd: true,
  user: true,
  umask: true,
  capabilities: true,
  seccomp: true,
  oomScoreAdj: true,
  init: true,
  stdio: true,
  log: true,
} as const

export const PLAN_KIND = { create: 1, exec: 2 } as const

export const LAUNCH_FLAG = {
  barrier: 0x1,
  noNewPrivs: 0x2,
  clampRlimits: 0x4,
  killCgroup: 0x8,
  volatile: 0x10,
} as const

export const CGROUP_FLAG = { v2: 0x1, remove: 0x2, optional: 0x4, exists: 0x8 } as const

export const OOM_FILE_KIND = { v2Events: 1, v1OomControl: 2 } as const

export const USAGE_KIND = { cpuUsecStat: 1, cpuNsec: 2, memoryPeak: 3 } as const

export const MOUNT_FLAG = {
  readOnly: 0x1,
  noSuid: 0x2,
  noDev: 0x4,
  noExec: 0x8,
  noAtime: 0x10,
  noSymFollow: 0x0020_0000,
  recursive: 0x0100_0000,
  idmap: 0x0200_0000,
  optional: 0x0400_0000,
  file: 0x0800_0000,
  copyUp: 0x1000_0000,
} as const

export const MOUNT_KIND = { fs: 1, bind: 2, dev: 3, sysfs: 4, cgroup: 5 } as const

export const STDIO_FLAG = { tty: 0x1, stdin: 0x2, stdinOnce: 0x4 } as const
export const LOG_FLAG = { held: 0x1 } as const

export const CWD_FLAG = { make: 0x1 } as const

export const USER_FLAG = { setHome: 0x1, refuseRoot: 0x2 } as const

/** CLONE_NEW* of sched.h, by the names that the runtime spec gives the namespaces. */
export const CLONE_FLAG = {
  time: 0x0000_0080,
  mount: 0x0002_0000,
  cgroup: 0x0200_0000,
  uts: 0x0400_0000,
  ipc: 0x0800_0000,
  user: 0x1000_0000,
  pid: 0x2000_0000,
  network: 0x4000_0000,
} as const

/** Propagation types of mount(2), for the rootPropagation record. */
export const PROPAGATION = { private: 1 << 18, slave: 1 << 19, shared: 1 << 20 } as const
