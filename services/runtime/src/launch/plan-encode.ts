import type { IdMapRecord, PlanRecord, PlanRecordOf, PlanRecordType } from './plan.ts'
import { planError } from './plan-error.ts'
import { ONCE, PLAN_MAGIC, PLAN_MAX_BYTES, PLAN_MAX_RECORDS, PLAN_VERSION, RECORD_NUMBER } from './plan-format.ts'
import { PlanWriter } from './plan-writer.ts'

type Encoder<T extends PlanRecordType> = (to: PlanWriter, record: PlanRecordOf<T>) => void

const idMap = (to: PlanWriter, record: IdMapRecord): void => {
  to.u32(record.inside).u32(record.outside).u32(record.count)
}

const ENCODERS: { readonly [T in PlanRecordType]: Encoder<T> } = {
  launch: (to, r) => to.u32(r.kind).u32(r.flags),
  namespaces: (to, r) => to.u64(r.flags),
  join: (to, r) => to.u64(r.flag).string(r.path),
  uidMap: idMap,
  gidMap: idMap,
  execTarget: (to, r) => to.i32(r.pid).u64(r.startTime).u64(r.namespaces),
  cgroupDir: (to, r) => to.u32(r.flags).string(r.path),
  cgroupWrite: (to, r) => to.u32(r.flags).string(r.path).string(r.value),
  cgroupDevices: (to, r) => to.instructions(r.program),
  oomFile: (to, r) => to.u32(r.kind).string(r.path),
  usageFile: (to, r) => to.u32(r.kind).string(r.path),
  rootOverlay: (to, r) => {
    to.u32(r.flags).u32(r.lowers.length).string(r.upperDir).string(r.workDir).string(r.options)
    for (const lower of r.lowers) to.string(lower)
  },
  rootBind: (to, r) => to.u32(r.flags).string(r.path),
  rootPropagation: (to, r) => to.u32(r.propagation),
  mount: (to, r) => to.u32(r.kind).u32(r.flags).string(r.target).string(r.source).string(r.options),
  devNode: (to, r) => to.u32(r.mode).u32(r.major).u32(r.minor).u32(r.uid).u32(r.gid).string(r.name),
  devLink: (to, r) => to.string(r.name).string(r.target),
  mask: (to, r) => to.string(r.path),
  readonly: (to, r) => to.string(r.path),
  hostname: (to, r) => to.string(r.name),
  domainname: (to, r) => to.string(r.name),
  sysctl: (to, r) => to.string(r.file).string(r.value),
  argv: (to, r) => to.string(r.value),
  env: (to, r) => to.string(r.value),
  cwd: (to, r) => to.u32(r.flags).string(r.path),
  user: (to, r) => to.u32(r.flags).string(r.name),
  group: (to, r) => to.string(r.name),
  umask: (to, r) => to.u32(r.mask),
  rlimit: (to, r) => to.u32(r.resource).u32(0).u64(r.soft).u64(r.hard),
  capabilities: (to, r) => {
    to.u64(r.bounding).u64(r.effective).u64(r.permitted).u64(r.inheritable).u64(r.ambient)
  },
  seccomp: (to, r) => to.u32(r.flags).u32(0).instructions(r.program),
  oomScoreAdj: (to, r) => to.i32(r.value),
  init: () => {},
  stdio: (to, r) => to.u32(r.flags).u16(r.rows).u16(r.columns),
  log: (to, r) => to.u64(r.segmentBytes).u32(r.segments).u32(r.flags),
}

/**
 * The bytes of a plan, as native/src/plan.h has them.
 * Throws when a number does not fit its width, a string holds a NUL or is not well-formed UTF-16, a record that may stand
 * once stands twice, or the plan is over its limits.
 */
export function encodePlan(records: Iterable<PlanRecord>): Uint8Array {
  const to = new PlanWriter()
  const seen = new Set<PlanRecordType>()
  let count = 0
  to.u32(PLAN_MAGIC).u32(PLAN_VERSION).u32(0).u32(0)
  for (const record of records) {
    if (Object.hasOwn(ONCE, record.type) && seen.has(record.type))
      throw planError(record.type, 'stands twice in one plan')
    seen.add(record.type)
    if (++count > PLAN_MAX_RECORDS) throw planError(record.type, `is record ${count} of at most ${PLAN_MAX_RECORDS}`)
    encodeRecord(to, record)
  }
  if (to.length > PLAN_MAX_BYTES)
    throw planError('plan', `has ${to.length} bytes; at most ${PLAN_MAX_BYTES} are allowed`)
  to.patchU32(8, to.length)
  to.patchU32(12, count)
  return to.bytes()
}

function encodeRecord(to: PlanWriter, record: PlanRecord): void {
  to.begin(record.type)
  to.u16(RECORD_NUMBER[record.type]).u16(0)
  const lengthAt = to.length
  to.u32(0)
  const start = to.length
  const encode = ENCODERS[record.type] as Encoder<PlanRecordType>
  encode(to, record)
  to.patchU32(lengthAt, to.length - start)
  to.pad(8)
}
