import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { busyboxRootfs, CaissonCommand, inNamespaces, needsBusybox } from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox()
const COUNT_TO_40 = 'for i in $(seq 1 40); do echo line $i; sleep 0.1; done; exit 9'
const LINES_TO_40 = Array.from({ length: 40 }, (_, index) => `line ${index + 1}\n`).join('')
let caisson: CaissonCommand

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A command that goes on while the test does something else. */
class Going {
  readonly child: ChildProcess
  out = ''
  err = ''
  readonly #ended: Promise<number | null>

  constructor(...args: string[]) {
    const [program, ...words] = caisson.words(args)
    this.child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.child.stdout?.on('data', (data: Buffer) => {
      this.out += data.toString()
    })
    this.child.stderr?.on('data', (data: Buffer) => {
      this.err += data.toString()
    })
    this.#ended = new Promise((resolve) => this.child.once('close', resolve))
  }

  async shows(text: string): Promise<void> {
    const deadline = Date.now() + 20_000
    while (!this.out.includes(text)) {
      assert.ok(Date.now() < deadline, `did not show ${text}: ${this.out}${this.err}`)
      await setTimeout(20)
    }
  }

  async end(): Promise<Ran> {
    const code = await this.#ended
    return { code, out: this.out, err: this.err }
  }
}

function killService(name: string): void {
  const { services } = JSON.parse(readFileSync(join(caisson.root, 'run/supervisor.json'), 'utf8'))
  process.kill(services.find((service: { name: string }) => service.name === name).process.pid, 'SIGKILL')
}

before(() => {
  if (skip) return
  caisson = new CaissonCommand()
  assert.equal(caisson.run(['up', '-d']).code, 0)
  assert.equal(caisson.run(['import', '-', 'busybox'], busyboxRootfs()).code, 0)
})

after(() => {
  if (skip) return
  caisson.removeContainers()
  assert.equal(caisson.run(['down']).code, 0)
  rmSync(caisson.root, { recursive: true, force: true })
})

test('stays with a container through the death of the runtime: every line and the exit code', { skip }, async () => {
  const going = new Going('run', '--rm', 'busybox', 'sh', '-c', COUNT_TO_40)
  await going.shows('line 5\n')
  killService('runtime')
  const { code, out, err } = await going.end()
  assert.equal(out, LINES_TO_40)
  assert.equal(code, 9, err)
})

test('follows logs through the death of the runtime without losing or repeating a line', { skip }, async () => {
  assert.equal(caisson.run(['run', '-d', '--name', 'counter', 'busybox', 'sh', '-c', COUNT_TO_40]).code, 0)
  const going = new Going('logs', '-f', 'counter')
  await going.shows('line 5\n')
  killService('runtime')
  const { code, out, err } = await going.end()
  assert.equal(out, LINES_TO_40)
  assert.equal(code, 0, err)
  assert.equal(caisson.run(['wait', 'counter']).out, '9\n')
})

test('hands signals on to the container', { skip }, async () => {
  const going = new Going(
    'run',
    '--rm',
    'busybox',
    'sh',
    '-c',
    'trap "echo got it; exit 5" TERM; echo up; while :; do sleep 0.1; done',
  )
  await going.shows('up\n')
  going.child.kill('SIGTERM')
  const { code, out } = await going.end()
  assert.equal(out, 'up\ngot it\n')
  assert.equal(code, 5)
})

test('pipes bytes in and out as they are', { skip }, () => {
  const bytes = randomBytes(8 << 20)
  const ran = caisson.run(['run', '--rm', '-i', 'busybox', 'cat'], bytes)
  assert.equal(ran.code, 0, ran.err)
  assert.equal(createHash('sha256').update(ran.bytes).digest('hex'), createHash('sha256').update(bytes).digest('hex'))
  assert.equal(caisson.run(['run', '-d', '--name', 'piped', 'busybox', 'sleep', '1000']).code, 0)
  assert.equal(caisson.run(['exec', '-i', 'piped', 'sh', '-c', 'cat; exit 4'], 'from outside').out, 'from outside')
})

test('loses nothing when the reader is slow', { skip }, () => {
  const command = caisson.words(['run', '--rm', 'busybox', 'seq', '1', '200000'])
  const { stdout } = spawnSync('bash', ['-c', '"$@" | (sleep 2; cat)', 'bash', ...command], { maxBuffer: 64 << 20 })
  assert.equal(stdout.toString(), Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`).join(''))
})

test('keeps standard error apart', { skip }, () => {
  const ran = caisson.run(['run', '--rm', 'busybox', 'sh', '-c', 'echo out; echo err >&2'])
  assert.deepEqual([ran.out, ran.err], ['out\n', 'err\n'])
})

test('detaches by its keys, and connects again to the same shell', { skip }, () => {
  const first = caisson.onTerminal(
    ['run', '-it', '--name', 'shell', 'busybox', 'sh'],
    [{ wait: '# ' }, { type: 'mark=$((40+2))\n' }, { wait: '# ' }, { type: '\x10\x11' }, { wait: 'detached' }],
  )
  assert.equal(first.code, 0, first.out)
  assert.match(caisson.run(['ps']).out, /shell/)
  const second = caisson.onTerminal(
    ['attach', 'shell'],
    [{ type: 'echo mark-$mark\n' }, { wait: 'mark-42' }, { type: 'exit 3\n' }],
  )
  assert.equal(second.code, 3, second.out)
})

test('gives an exec a terminal of its own', { skip }, () => {
  assert.equal(caisson.run(['run', '-d', '--name', 'host', 'busybox', 'sleep', '1000']).code, 0)
  const ran = caisson.onTerminal(
    ['exec', '-it', '-e', 'A=b', '-w', '/etc', 'host', 'sh'],
    [{ wait: '# ' }, { type: 'echo $A $(pwd) $(stty size)\n' }, { wait: 'b /etc 33 99' }, { type: 'exit 7\n' }],
  )
  assert.equal(ran.code, 7, ran.out)
})

test('refuses a terminal when the input is none', { skip }, () => {
  const { code, err } = caisson.run(['run', '--rm', '-it', 'busybox', 'sh'], 'x')
  assert.equal(code, 125)
  assert.match(err, /the input is not a terminal: leave -t out/)
})
