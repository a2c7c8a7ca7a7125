import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { CaissonError, type Partially } from '@caisson/api'
import {
  type ContainerSpec,
  ContainerState,
  type ExitStatus,
  MountKind,
  NamespaceMode,
  WaitCondition,
} from '@caisson/api/container'
import { inNamespaces } from '@caisson/testkit'
import { eventually } from './fixture.ts'
import { needsRealHost, RealHost } from './real-host.ts'

const skip = needsRealHost() || inNamespaces()

const refusedWith =
  (reason: string) =>
  (error: unknown): boolean =>
    error instanceof CaissonError && error.reason === reason

/** What a run printed, and how it ended. */
interface Ran {
  readonly id: string
  readonly text: string
  readonly exit: ExitStatus
}

describe('containers of real processes', { skip }, () => {
  let host: RealHost
  before(async () => {
    host = await RealHost.start()
  })
  after(() => host[Symbol.asyncDispose]())

  /** Runs a command to its end. */
  async function run(cmd: readonly string[], spec: Partially<ContainerSpec> = {}): Promise<Ran> {
    const plain = host.spec(cmd, spec.process)
    const create = { spec: { ...plain, ...spec, process: plain.process, autoRemove: true } }
    let [id, text]: string[] = ['', '']
    let exit: ExitStatus | undefined
    for await (const { item } of host.containers.run({ create, output: true })) {
      if (item?.$case === 'created') id = item.value.id
      else if (item?.$case === 'output') text += item.value.data.toString()
      else if (item?.$case === 'exited') exit = item.value
    }
    if (!exit) throw new Error('it told of no end')
    return { id: id ?? '', text: text ?? '', exit }
  }
  const shell = (line: string, spec: Partially<ContainerSpec> = {}): Promise<Ran> => run(['sh', '-c', line], spec)
  const start = (name: string, line: string, spec: Partially<ContainerSpec> = {}): Promise<string> =>
    host.started(name, host.script(line, spec))

  test('tell everything they wrote and how they ended', async () => {
    const { text, exit } = await shell('echo out; echo err >&2; exit 3')
    assert.deepEqual(text.split('\n').toSorted(), ['', 'err', 'out'])
    assert.equal(exit.exitCode, 3)
    assert.ok((exit.finishedAt?.seconds ?? 0) >= (exit.startedAt?.seconds ?? 1))
  })

  test('are refused with a typed error when the program is missing or cannot be executed', async () => {
    await assert.rejects(run(['/no/such/program']), refusedWith('COMMAND_NOT_FOUND'))
    await assert.rejects(run(['nosuchprogram']), refusedWith('COMMAND_NOT_FOUND'))
    await assert.rejects(run(['/etc/not-a-program']), refusedWith('COMMAND_NOT_EXECUTABLE'))
    await assert.rejects(run(['/etc']), refusedWith('COMMAND_NOT_EXECUTABLE'))
    await assert.rejects(run(['true'], { process: { user: 'nobody-here' } }), refusedWith('NO_SUCH_USER'))
    await assert.rejects(run(['true'], { security: { runAsNonRoot: true } }), refusedWith('ROOT_REFUSED'))
    assert.deepEqual((await host.containers.list({ all: true })).containers, [])
  })

  test('have ids, a hostname, an environment and a directory of their own', async () => {
    const { id, text } = await shell('id -u; hostname; echo $FROM_IMAGE $MINE; pwd; cat /proc/self/uid_map', {
      process: { env: ['MINE=1'], workingDir: '/made/here', user: 'user' },
    })
    const [uid, host, env, cwd, map] = text.split('\n')
    assert.deepEqual([uid, host, env, cwd], ['1000', id.slice(0, 12), '1 1', '/made/here'])
    assert.match(map ?? '', /^\s+0\s+18\d{8}\s+65536$/)
  })

  test('have no more rights than said', async () => {
    const status = async (spec: object): Promise<string> =>
      (await shell("grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'", spec)).text
    assert.equal(await status({}), 'CapEff:00000000800405fb\nNoNewPrivs:1\nSeccomp:2\n')
    const loose = { capDrop: ['ALL'], capAdd: ['NET_ADMIN'], noNewPrivileges: false, seccompProfile: 'unconfined' }
    assert.equal(await status({ security: loose }), 'CapEff:0000000000001000\nNoNewPrivs:0\nSeccomp:0\n')
  })

  test('see hidden and read-only paths as such, and a root that can be read only', async () => {
    const { text } = await shell('exec 2>&1; wc -c < /proc/kallsyms; echo 1 > /proc/sys/kernel/msgmax || echo refused')
    assert.match(text, /^0\n[\s\S]*refused\n$/)
    const locked = await shell('touch /x || echo locked', { readOnlyRoot: true })
    assert.match(locked.text, /locked/)
  })

  test('have what is mounted, as its owner sees it', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'caisson-bind-'))
    try {
      writeFileSync(join(dir, 'seen'), 'content')
      const mounts = [
        { kind: MountKind.BIND, source: dir, target: '/data' },
        { kind: MountKind.BIND, source: join(dir, 'seen'), target: '/one', readOnly: true },
        { kind: MountKind.BIND, source: join(dir, 'made'), target: '/made', createSource: true },
        { kind: MountKind.TMPFS, target: '/scratch', sizeBytes: 1 << 20 },
      ]
      const line = 'stat -c %u /data/seen; cat /one; touch /one; echo new > /data/new; df -k /scratch | tail -1'
      const { text } = await shell(line, { mounts })
      assert.match(text, /^0\ncontent/)
      assert.match(text, /Read-only file system/)
      assert.match(text, /1024 .*\/scratch/)
      assert.equal(execFileSync('stat', ['-c', '%u', join(dir, 'new')], { encoding: 'utf8' }), '0\n')
      assert.ok(existsSync(join(dir, 'made')))
      const missing = [{ kind: MountKind.BIND, source: join(dir, 'nothing'), target: '/x' }]
      await assert.rejects(
        run(['true'], { mounts }).then(() => run(['true'], { mounts: missing })),
        refusedWith('MOUNT_SOURCE_MISSING'),
      )
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })

  test('are killed for memory and say so', async () => {
    const { exit } = await shell('tail /dev/zero', { resources: { memoryBytes: 16 << 20 } })
    assert.deepEqual([exit.exitCode, exit.signal, exit.oomKilled], [137, 9, true])
    const types = host.events().map(({ type }) => type)
    assert.deepEqual(types.slice(-3), ['container.oom', 'container.exited', 'container.removed'])
  })

  test('cannot make more processes than said', async () => {
    const { text } = await shell('for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait', {
      resources: { pidsLimit: 5 },
    })
    assert.match(text, /can't fork|Resource temporarily unavailable/)
  })

  test('stop when they are asked, and are killed when they do not listen', async () => {
    const polite = await start('polite', 'trap "exit 5" TERM; while :; do sleep 0.05; done')
    await new Promise((resolve) => setTimeout(resolve, 200))
    assert.equal((await host.containers.stop({ container: polite, timeoutSeconds: 5 })).exit?.exitCode, 5)
    const deaf = await start('deaf', 'trap "" TERM; while :; do sleep 0.05; done')
    const { exit } = await host.containers.stop({ container: deaf, timeoutSeconds: 1 })
    assert.deepEqual([exit?.exitCode, exit?.signal], [137, 9])
    for (const id of [polite, deaf]) await host.containers.remove({ container: id })
  })

  test('stand still while they are paused, and can be killed then', async () => {
    const id = await start('counter', 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done')
    await host.containers.pause({ container: id })
    assert.equal((await host.containers.get({ container: id })).state, ContainerState.PAUSED)
    const lines = async (): Promise<number> => {
      let text = ''
      for await (const { item } of host.containers.logs({ container: id }))
        if (item?.$case === 'output') text += item.value.data.toString()
      return text.split('\n').length
    }
    const before = await lines()
    await new Promise((resolve) => setTimeout(resolve, 150))
    assert.equal(await lines(), before)
    await host.containers.kill({ container: id })
    await eventually(async () => (await host.containers.get({ container: id })).exit?.exitCode === 137)
    await host.containers.remove({ container: id })
  })

  test('live through a restart of the service, and their ends are told', async () => {
    const long = await start('long', 'sleep 0.3; echo late; exit 4')
    const short = await start('short', 'exit 6')
    const pid = (await host.containers.get({ container: long })).pid
    await host.halt()
    await host.boot()
    const found = await host.containers.get({ container: long })
    assert.deepEqual([found.state, found.pid], [ContainerState.RUNNING, pid])
    assert.equal((await host.containers.get({ container: short })).exit?.exitCode, 6)
    const { exit } = await host.containers.wait({ container: long, condition: WaitCondition.NOT_RUNNING })
    assert.equal(exit?.exitCode, 4)
    for (const id of [long, short]) await host.containers.remove({ container: id })
  })

  test('are ended when their monitor is killed, with an end that is not known', async () => {
    const id = await start('orphan', 'sleep 1000')
    const { pid } = await host.containers.get({ container: id })
    const parent = /PPid:\t(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    process.kill(Number(parent), 'SIGKILL')
    await eventually(async () => (await host.containers.get({ container: id })).state === ContainerState.EXITED)
    const { exit } = await host.containers.get({ container: id })
    assert.equal(exit?.exitCode, -1)
    assert.ok(!existsSync(`/proc/${pid}`) || /State:\tZ/.test(readFileSync(`/proc/${pid}/status`, 'utf8')))
    await host.containers.remove({ container: id })
  })

  test('get new limits while they run', async () => {
    const id = await start('limited', 'sleep 1000', { resources: { memoryBytes: 64 << 20 } })
    await host.containers.update({ container: id, resources: { pidsLimit: 7, memoryBytes: 128 << 20 } })
    const seen: string[] = []
    for await (const { item } of host.containers.attach(
      (async function* () {
        yield { item: { $case: 'target' as const, value: { container: id, noOutput: true } } }
      })(),
    )) {
      seen.push(item?.$case ?? '')
      if (item?.$case === 'attached') await host.containers.kill({ container: id })
    }
    assert.deepEqual(seen, ['attached', 'exited'])
    await host.containers.remove({ container: id })
  })

  test('run with the host’s ids and everything allowed when they are privileged', async () => {
    const { text } = await shell('cat /proc/self/uid_map; grep CapEff /proc/self/status; ls /dev | wc -l', {
      security: { privileged: true },
    })
    assert.match(text, /^\s+0\s+0\s+4294967295\n/)
    // Every capability that this host has itself.
    const own = /CapEff:\t\w+/.exec(readFileSync('/proc/self/status', 'utf8'))?.[0] ?? ''
    assert.ok(text.includes(own), `${own} in ${text}`)
  })

  test('share the host’s namespaces that they are given', async () => {
    const line = 'readlink /proc/self/ns/uts; readlink /proc/self/ns/ipc; readlink /proc/self/ns/user'
    const host = ['uts', 'ipc', 'user'].map((kind) => execFileSync('readlink', [`/proc/self/ns/${kind}`]).toString())
    const { text } = await shell(line, {
      security: { userNamespace: { mode: NamespaceMode.HOST } },
      utsNamespace: { mode: NamespaceMode.HOST },
      ipcNamespace: { mode: NamespaceMode.HOST },
    })
    assert.equal(text, host.join(''))
  })

  test('reap what is left over below a small init', async () => {
    const { text } = await shell('(sleep 0.1 &) ; sleep 0.3; ps -o pid,stat,args | grep -c Z; cat /proc/1/comm', {
      init: true,
    })
    assert.match(text, /caisson-init|init/)
  })

  test('leave nothing behind', async () => {
    // Monitors of a service before this one are its children no more; here all of them are in one process.
    const before = left().length
    await Promise.all(Array.from({ length: 20 }, () => run(['true'])))
    assert.deepEqual((await host.containers.list({ all: true })).containers, [])
    await eventually(() => left().length <= before).catch(() => assert.fail(left().join(' ')))
  })

  /** Monitors, state directories and roots of this runtime. */
  function left(): string[] {
    const monitors = execFileSync('sh', ['-c', `ps -o comm= --ppid ${process.pid} | grep caisson || true`])
    const entries = ['containers', 'roots'].map((name) => join(host.dir, name)).filter(existsSync)
    const dirs = entries.flatMap((dir) => readdirSync(dir).filter((name) => name !== '.shelf'))
    return [...dirs, ...monitors.toString().split('\n').filter(Boolean)]
  }
})
