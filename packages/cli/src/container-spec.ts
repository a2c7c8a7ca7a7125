import type { Partially } from '@caisson/api'
import type { ContainerSpec, Process, Resources, Security, TerminalSize } from '@caisson/api/container'
import type { Attachment } from '@caisson/api/network'
import type { OptionValues } from './option-values.ts'
import { dnsOf } from './parse/dns.ts'
import { environmentOf } from './parse/environment.ts'
import { parseMount, parseTmpfs, parseVolume } from './parse/mount.ts'
import { parseNetwork, parsePort } from './parse/network.ts'
import { parseCpus, parseInteger, parseSize, parseSizeOrUnlimited } from './parse/numbers.ts'
import { parsePairs } from './parse/pairs.ts'
import { parsePlatform } from './parse/platform.ts'
import { parseRestart } from './parse/restart.ts'
import {
  parseCapabilities,
  parseDevice,
  parseSecurityOptions,
  parseUlimit,
  parseUserNamespace,
} from './parse/security.ts'
import { parseStorage } from './parse/storage.ts'

/** What `run` and `create` ask for, from their options and arguments. */
export function containerSpec(
  image: string,
  cmd: readonly string[],
  options: OptionValues,
  terminalSize: TerminalSize | undefined,
): Partially<ContainerSpec> {
  const networks = options.list('network')
  return {
    image,
    platform: options.parsed('platform', parsePlatform),
    process: containerProcess(cmd, options, terminalSize),
    hostname: options.text('hostname'),
    domainname: options.text('domainname'),
    mounts: [
      ...options.list('volume').map(parseVolume),
      ...options.list('mount').map(parseMount),
      ...options.list('tmpfs').map(parseTmpfs),
    ],
    volumesFrom: options.list('volumesFrom'),
    devices: options.list('device').map(parseDevice),
    resources: resourcesOf(options),
    security: securityOf(options),
    network: {
      ...parseNetwork(networks, firstAttachment(options)),
      ...dnsOf(options),
      ports: options.list('publish').map(parsePort),
      publishAll: options.flag('publishAll'),
    },
    sysctls: parsePairs('--sysctl', options.list('sysctl'), 'value needed'),
    shmBytes: options.parsed('shmSize', (value) => parseSize('--shm-size', value)),
    readOnlyRoot: options.flag('readOnly'),
    storageBytes: parseStorage(options.list('storageOpt')),
    init: options.flag('init'),
    restart: options.parsed('restart', parseRestart),
    stopSignal: options.text('stopSignal'),
    stopTimeoutSeconds: options.parsed('stopTimeout', (value) => parseInteger('--stop-timeout', value, 0, 0xffff_ffff)),
    autoRemove: options.flag('rm'),
    labels: parsePairs('--label', options.list('label'), 'bare names allowed'),
  }
}

/** What is said of the first network. */
function firstAttachment(options: OptionValues): Partially<Attachment> | undefined {
  const [ipv4Address, macAddress] = [options.text('ip'), options.text('macAddress')]
  const aliases = options.list('networkAlias')
  if (ipv4Address === undefined && macAddress === undefined && aliases.length === 0) return undefined
  return {
    ...(ipv4Address === undefined ? {} : { ipv4Address }),
    ...(macAddress === undefined ? {} : { macAddress }),
    ...(aliases.length === 0 ? {} : { aliases }),
  }
}

function containerProcess(
  cmd: readonly string[],
  options: OptionValues,
  terminalSize: TerminalSize | undefined,
): Partially<Process> {
  const entrypoint = options.text('entrypoint')
  return {
    entrypoint: entrypoint === undefined ? undefined : { values: entrypoint === '' ? [] : [entrypoint] },
    cmd: cmd.length > 0 ? { values: cmd } : undefined,
    env: environmentOf(options.list('envFile'), options.list('env')),
    workingDir: options.text('workdir'),
    user: options.text('user'),
    groups: options.list('groupAdd'),
    tty: options.flag('tty'),
    stdin: options.flag('interactive'),
    // With a terminal a user may detach and come back: its input must outlive the first client.
    stdinOnce: options.flag('interactive') && !options.flag('detach') && !options.flag('tty'),
    terminalSize: options.flag('tty') ? terminalSize : undefined,
    rlimits: options.list('ulimit').map(parseUlimit),
  }
}

/** Limits, of `run`, `create` and `update` alike; what was not given is absent. */
export function resourcesOf(options: OptionValues): Partially<Resources> {
  return {
    memoryBytes: options.parsed('memory', (value) => parseSize('--memory', value)),
    memorySwapBytes: options.parsed('memorySwap', (value) => parseSizeOrUnlimited('--memory-swap', value)),
    memoryReservationBytes: options.parsed('memoryReservation', (value) => parseSize('--memory-reservation', value)),
    nanoCpus: options.parsed('cpus', parseCpus),
    cpuShares: options.parsed('cpuShares', (value) => parseInteger('--cpu-shares', value, 0, 262_144)),
    cpusetCpus: options.text('cpusetCpus'),
    pidsLimit: options.parsed('pidsLimit', (value) => parseInteger('--pids-limit', value, -1)),
  }
}

function securityOf(options: OptionValues): Partially<Security> {
  return {
    ...parseSecurityOptions(options.list('securityOpt')),
    privileged: options.flag('privileged'),
    capAdd: parseCapabilities('--cap-add', options.list('capAdd')),
    capDrop: parseCapabilities('--cap-drop', options.list('capDrop')),
    userNamespace: options.parsed('userns', parseUserNamespace),
  }
}
