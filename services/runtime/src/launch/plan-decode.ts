import type { PlanRecord, PlanRecordOf, PlanRecordType } from './plan.ts'
import { planError } from './plan-error.ts'
import { ONCE, PLAN_MAGIC, PLAN_MAX_BYTES, PLAN_MAX_RECORDS, PLAN_VERSION, RECORD_NUMBER } from './plan-format.ts'
import { PlanReader } from './plan-reader.ts'

type Decoder<T extends PlanRecordType> = (from: PlanReader) => Omit<PlanRecordOf<T>, 'type'>

const idMap = (from: PlanReader) => ({ inside: from.u32(), outside: from.u32(), count: from.u32() })

const DECODERS: { readonly [T in PlanRecordType]: Decoder<T> } = {
  launch: (from) => ({ kind: from.u32(), flags: from.u32() }),
  namespaces: (from) => ({ flags: from.u64Number() }),
  join: (from) => ({ flag: from.u64Number(), path: from.string() }),
  uidMap: idMap,
  gidMap: idMap,
  execTarget: (from) => ({ pid: from.i32(), startTime: from.u64(), namespaces: from.u64Number() }),
  cgroupDir: (from) => ({ flags: from.u32(), path: from.string() }),
  cgroupWrite: (from) => ({ flags: from.u32(), path: from.string(), value: from.string() }),
  cgroupDevices: (from) => ({ program: from.rest() }),
  oomFile: (from) => ({ kind: from.u32(), path: from.string() }),
  usageFile: (from) => ({ kind: from.u32(), path: from.string() }),
  rootOverlay: (from) => {
    const flags = from.u32()
    const count = from.u32()
    const [upperDir, workDir, options] = [from.string(), from.string(), from.string()]
    const lowers = []
    for (let n = 0; n < count; n++) lowers.push(from.string())
    return { flags, upperDir, workDir, options, lowers }
  },
  rootBind: (from) => ({ flags: from.u32(), path: from.string() }),
  rootPropagation: (from) => ({ propagation: from.u32() }),
  mount: (from) => ({
    kind: from.u32(),
    flags: from.u32(),
    target: from.string(),
    source: from.string(),
    options: from.string(),
  }),
  devNode: (from) => ({
    mode: from.u32(),
    major: from.u32(),
    minor: from.u32(),
    uid: from.u32(),
    gid: from.u32(),
    name: from.string(),
  }),
  devLink: (from) => ({ name: from.string(), target: from.string() }),
  mask: (from) => ({ path: from.string() }),
  readonly: (from) => ({ path: from.string() }),
  hostname: (from) => ({ name: from.string() }),
  domainname: (from) => ({ name: from.string() }),
  sysctl: (from) => ({ file: from.string(), value: from.string() }),
  argv: (from) => ({ value: from.string() }),
  env: (from) => ({ value: from.string() }),
  cwd: (from) => ({ flags: from.u32(), path: from.string() }),
  user: (from) => ({ flags: from.u32(), name: from.string() }),
  group: (from) => ({ name: from.string() }),
  umask: (from) => ({ mask: from.u32() }),
  rlimit: (from) => {
    const resource = from.u32()
    from.zero32()
    return { resource, soft: from.u64(), hard: from.u64() }
  },
  capabilities: (from) => ({
    bounding: from.u64(),
    effective: from.u64(),
    permitted: from.u64(),
    inheritable: from.u64(),
    ambient: from.u64(),
  }),
  seccomp: (from) => {
    const flags = from.u32()
    from.zero32()
    return { flags, program: from.rest() }
  },
  oomScoreAdj: (from) => ({ value: from.i32() }),
  init: () => ({}),
  stdio: (from) => ({ flags: from.u32(), rows: from.u16(), columns: from.u16() }),
  log: (from) => ({ segmentBytes: from.u64Number(), segments: from.u32(), flags: from.u32() }),
}

const TYPE_OF_NUMBER = new Map<number, PlanRecordType>(
  Object.entries(RECORD_NUMBER).map(([type, number]) => [number, type as PlanRecordType]),
)

/** Reads a plan back; as strict as the native reader. For tests and for showing a plan to a person. */
export function decodePlan(bytes: Uint8Array): PlanRecord[] {
  const plan = new PlanReader(bytes, 'plan')
  if (plan.u32() !== PLAN_MAGIC) throw planError('header', 'does not begin with CPLN')
  if (plan.u32() !== PLAN_VERSION) throw planError('header', `is not of version ${PLAN_VERSION}`)
  if (plan.u32() !== bytes.length || bytes.length > PLAN_MAX_BYTES) throw planError('header', 'gives another length')
  const count = plan.u32()
  if (count > PLAN_MAX_RECORDS) throw planError('header', `announces ${count} records`)
  const records: PlanRecord[] = []
  const seen = new Set<PlanRecordType>()
  for (let n = 0; n < count; n++) {
    const record = decodeRecord(plan)
    if (Object.hasOwn(ONCE, record.type) && seen.has(record.type))
      throw planError(record.type, 'stands twice in one plan')
    seen.add(record.type)
    records.push(record)
  }
  plan.end()
  return records
}

function decodeRecord(plan: PlanReader): PlanRecord {
  const number = plan.u16()
  plan.zero16()
  const type = TYPE_OF_NUMBER.get(number)
  if (type === undefined) throw planError(`record ${number}`, 'is of no known type')
  const payload = new PlanReader(plan.take(plan.u32()), type)
  const record = { type, ...DECODERS[type](payload) } as PlanRecord
  payload.end()
  plan.padding(8)
  return record
}
