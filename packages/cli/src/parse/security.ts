import { readFileSync } from 'node:fs'
import type { Partially } from '@caisson/api'
import { type Device, type Namespace, NamespaceMode, type Rlimit, type Security } from '@caisson/api/container'
import { invalid } from '@caisson/api/error'
import { refuse } from './refusal.ts'

type SecurityDraft = Partially<Security>

/** --security-opt: no-new-privileges[=false], seccomp=unconfined or a file, apparmor=PROFILE, label=LABEL. */
export function parseSecurityOptions(values: readonly string[]): SecurityDraft {
  return Object.assign({}, ...values.map(securityOption))
}

function securityOption(value: string): SecurityDraft {
  const [, key = '', , setting = ''] = /^([^=:]+)([=:](.*))?$/s.exec(value) ?? []
  if (key === 'no-new-privileges' && ['', 'true', 'false'].includes(setting))
    return { noNewPrivileges: setting !== 'false' }
  if (key === 'seccomp' && setting !== '') return { seccompProfile: seccompProfile(setting) }
  if (key === 'apparmor' && setting !== '') return { apparmorProfile: setting }
  if (key === 'label' && setting !== '') return { selinuxLabel: setting }
  if (value === 'systempaths=unconfined') return { maskedPaths: { values: [] }, readonlyPaths: { values: [] } }
  throw refuse(
    '--security-opt',
    value,
    'is not known: there are no-new-privileges[=false], seccomp=unconfined, seccomp=FILE, systempaths=unconfined, apparmor=PROFILE, label=LABEL',
  )
}

function seccompProfile(setting: string): string {
  if (setting === 'unconfined') return setting
  try {
    const text = readFileSync(setting, 'utf8')
    JSON.parse(text)
    return text
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw invalid(`--security-opt: cannot read the seccomp profile ${setting}: ${why}`, { reason: 'USAGE', cause })
  }
}

/** --userns host or private. */
export function parseUserNamespace(value: string): Partially<Namespace> {
  if (value === 'host') return { mode: NamespaceMode.HOST }
  if (value === 'private' || value === '') return { mode: NamespaceMode.PRIVATE }
  throw refuse('--userns', value, 'is neither private nor host')
}

const RLIMITS = [
  ...['as', 'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc'],
  ...['rss', 'rtprio', 'rttime', 'sigpending', 'stack'],
]

/** --ulimit NAME=SOFT[:HARD]; -1 or unlimited for none. The hard limit is the soft one when it is not given. */
export function parseUlimit(value: string): Partially<Rlimit> {
  const found = /^([a-z]+)=(-1|unlimited|\d{1,15})(?::(-1|unlimited|\d{1,15}))?$/.exec(value)
  const [, name = '', soft = '', hard = soft] = found ?? []
  if (!found || !RLIMITS.includes(name))
    throw refuse('--ulimit', value, `is not a limit: write it as nofile=1024:4096; there are ${RLIMITS.join(', ')}`)
  const limit = { name, soft: limitNumber(soft), hard: limitNumber(hard) }
  if (limit.hard >= 0 && (limit.soft < 0 || limit.soft > limit.hard))
    throw refuse('--ulimit', value, 'has a soft limit over the hard one')
  return limit
}

function limitNumber(text: string): number {
  return text === 'unlimited' ? -1 : Number(text)
}

/** --device HOST[:CONTAINER[:rwm]] */
export function parseDevice(value: string): Partially<Device> {
  const [hostPath = '', second = '', third = '', ...rest] = value.split(':')
  const onlyPermissions = third === '' && /^[rwm]{1,3}$/.test(second)
  const containerPath = onlyPermissions ? '' : second
  const permissions = onlyPermissions ? second : third
  if (!hostPath.startsWith('/') || (containerPath !== '' && !containerPath.startsWith('/')) || rest.length > 0)
    throw refuse('--device', value, 'is not a device: write it as /dev/fuse or /dev/sda:/dev/xvda:rwm')
  if (!/^[rwm]{0,3}$/.test(permissions)) throw refuse('--device', value, 'has permissions other than r, w and m')
  return { hostPath, containerPath, permissions }
}

/** Names of capabilities as the engine wants them: capitals, without CAP_. */
export function parseCapabilities(what: string, values: readonly string[]): string[] {
  return values.flatMap((value) =>
    value.split(',').map((name) => {
      const plain = name.trim().toUpperCase().replace(/^CAP_/, '')
      if (!/^[A-Z][A-Z_]*$/.test(plain)) throw refuse(what, value, 'is not a capability: write it as NET_ADMIN, or ALL')
      return plain
    }),
  )
}
