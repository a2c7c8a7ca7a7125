import type { Container, Exit, ProcessFacts, Sandbox } from '../container/container.ts'

/**
 * A container as the text of its row. Integers of 64 bits are decimal text. The columns id, name, state and id_range are
 * not in it twice: the row is right about them.
 */

type Text<T, K extends keyof T> = Omit<T, K> & Record<K, string>

interface Body
  extends Omit<Container, 'id' | 'name' | 'state' | 'createdNs' | 'startedNs' | 'process' | 'exit' | 'sandbox'> {
  readonly createdNs: string
  readonly startedNs: string
  readonly process?: Text<ProcessFacts, 'startTime'>
  readonly exit?: Text<Exit, 'startedNs' | 'finishedNs' | 'cpuNs'>
  readonly sandbox?: Text<Sandbox, 'createdNs'>
}

export function encodeBody(container: Container): string {
  const { id: _id, name: _name, state: _state, process, exit, sandbox, ...rest } = container
  const body: Body = {
    ...rest,
    createdNs: String(rest.createdNs),
    startedNs: String(rest.startedNs),
    ...(process && { process: { ...process, startTime: String(process.startTime) } }),
    ...(exit && {
      exit: {
        ...exit,
        startedNs: String(exit.startedNs),
        finishedNs: String(exit.finishedNs),
        cpuNs: String(exit.cpuNs),
      },
    }),
    ...(sandbox && { sandbox: { ...sandbox, createdNs: String(sandbox.createdNs) } }),
  }
  return JSON.stringify(body)
}

/** Throws when the text is not what encodeBody wrote. */
export function decodeBody(text: string): Omit<Container, 'id' | 'name' | 'state'> {
  const { process, exit, sandbox, ...rest } = JSON.parse(text) as Body
  return {
    ...rest,
    createdNs: BigInt(rest.createdNs),
    startedNs: BigInt(rest.startedNs),
    ...(process && { process: { ...process, startTime: BigInt(process.startTime) } }),
    ...(exit && {
      exit: {
        ...exit,
        startedNs: BigInt(exit.startedNs),
        finishedNs: BigInt(exit.finishedNs),
        cpuNs: BigInt(exit.cpuNs),
      },
    }),
    ...(sandbox && { sandbox: { ...sandbox, createdNs: BigInt(sandbox.createdNs) } }),
  }
}

/** What is left of a container whose row cannot be read: enough to show it and to remove it. */
export function brokenBody(problem: string): Omit<Container, 'id' | 'name' | 'state'> {
  return {
    spec: {
      image: '',
      process: {
        env: [],
        workingDir: '',
        user: '',
        groups: [],
        tty: false,
        stdin: false,
        stdinOnce: false,
        rlimits: [],
      },
      hostname: '',
      domainname: '',
      mounts: [],
      devices: [],
      resources: {},
      security: {
        privileged: false,
        capAdd: [],
        capDrop: [],
        noNewPrivileges: true,
        seccompProfile: '',
        runAsNonRoot: false,
      },
      namespaces: { user: 'private', pid: 'private', ipc: 'private', uts: 'private', cgroup: 'private' },
      network: { mode: 'none', attachments: [], dns: { servers: [], search: [], options: [], extraHosts: {} } },
      sysctls: {},
      shmBytes: 0,
      readOnlyRoot: false,
      init: false,
      stopSignal: '',
      stopTimeoutSeconds: 10,
      autoRemove: false,
      labels: {},
      annotations: {},
      cgroupParent: '',
    },
    image: { id: '', digest: '' },
    program: { args: [], env: [], workingDir: '', user: '' },
    stopSignal: 'SIGTERM',
    root: { lowerDirs: [], upperDir: '', workDir: '', options: [] },
    createdNs: 0n,
    startedNs: 0n,
    loosened: [],
    warnings: [problem],
  }
}
