import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inNamespaces } from '@caisson/testkit'
import { questionOf } from './asking.ts'
import { startDnsmasq } from './dnsmasq.ts'
import { Stage, until } from './stage.ts'
import { startUpstream } from './upstream.ts'

const skip = inNamespaces()
const hosted = { skip, timeout: 90_000 }

const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
const needing = (program: string) => ({ ...hosted, skip: skip || (has(program) ? false : `needs ${program}`) })

async function standing(stage: Stage) {
  const service = stage.service()
  service.setName('net', 'web', ['10.1.0.2', 'fd01::2'])
  service.setName('net', 'four', ['10.1.0.4'])
  service.setReverse('net', '10.1.0.2', 'web.net')
  const opened = service.open('one', await stage.namespace('one'))
  service.setView('one', { networks: ['net'], forwardTo: [] })
  service.settle()
  await opened
  // glibc looks for no address of a family that it has none of itself.
  for (const address of ['10.9.0.1/32', 'fd09::1/128'])
    execFileSync('nsenter', [`--net=${stage.path('one')}`, 'ip', 'address', 'add', address, 'dev', 'lo'])
  // The mount namespace is the test's own.
  const settings = join(stage.runDir, 'resolv.conf')
  writeFileSync(settings, 'nameserver 127.0.0.11\n')
  execFileSync('mount', ['--bind', settings, '/etc/resolv.conf'])
  return { service, [Symbol.dispose]: () => void execFileSync('umount', ['/etc/resolv.conf']) }
}

/** What a command inside the namespace writes, and how it ends. */
function inside(stage: Stage, command: string) {
  const start = performance.now()
  const ran = spawnSync('nsenter', [`--net=${stage.path('one')}`, 'sh', '-c', command], { encoding: 'utf8' })
  return { output: ran.stdout, status: ran.status, tookMs: performance.now() - start }
}

test('the resolver of glibc finds names, and is told at once that there is none', needing('getent'), async () => {
  await using stage = new Stage()
  using _standing = await standing(stage)
  assert.match(inside(stage, 'getent ahostsv4 web').output, /^10\.1\.0\.2/)
  assert.match(inside(stage, 'getent ahostsv6 web').output, /^fd01::2/)
  assert.match(inside(stage, 'getent hosts 10.1.0.2').output, /web\.net/)
  assert.match(inside(stage, 'getent ahosts four').output, /^10\.1\.0\.4/)
  const missing = inside(stage, 'getent ahosts missing')
  assert.equal(missing.status, 2)
  assert.ok(missing.tookMs < 2_000, `${missing.tookMs} ms`)
})

const PROGRAM = `
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	char text[64];
	if (argc != 2 || getaddrinfo(argv[1], NULL, &hints, &found) != 0)
		return 2;
	for (; found; found = found->ai_next) {
		getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
		puts(text);
	}
	return 0;
}
`

test('so is that of musl', needing('musl-gcc'), async () => {
  await using stage = new Stage()
  using _standing = await standing(stage)
  const [source, program] = [join(stage.runDir, 'find.c'), join(stage.runDir, 'find')]
  writeFileSync(source, PROGRAM)
  execFileSync('musl-gcc', ['-static', '-o', program, source])
  assert.deepEqual(inside(stage, `${program} web`).output.trim().split('\n').toSorted(), ['10.1.0.2', 'fd01::2'])
  assert.equal(inside(stage, `${program} four`).output, '10.1.0.4\n')
  const missing = inside(stage, `${program} missing`)
  assert.equal(missing.status, 2)
  assert.ok(missing.tookMs < 2_000, `${missing.tookMs} ms`)
})

test('nslookup of busybox understands the answers', needing('busybox'), async () => {
  await using stage = new Stage()
  using _standing = await standing(stage)
  const { output } = inside(stage, 'busybox nslookup web 127.0.0.11')
  assert.match(output, /Address[^\n]*10\.1\.0\.2/)
  assert.match(output, /Address[^\n]*fd01::2/)
  assert.match(inside(stage, 'busybox nslookup 10.1.0.2 127.0.0.11').output, /web\.net/)
})

test('dig finds no fault with any answer', needing('dig'), async () => {
  await using stage = new Stage()
  using _standing = await standing(stage)
  for (const options of ['', '+tcp', '+noedns', '+edns=0 +bufsize=1232 +dnssec', '+cookie', '+tcp +keepopen']) {
    const { output } = inside(stage, `dig +tries=1 +time=3 ${options} @127.0.0.11 web A web AAAA four MX missing A`)
    assert.doesNotMatch(output, /warning|malformed|mismatch|timed out/i, options)
    assert.deepEqual(
      [...output.matchAll(/status: (\w+)/g)].map((found) => found[1]),
      ['NOERROR', 'NOERROR', 'NOERROR', 'NXDOMAIN'],
      options,
    )
  }
})

test('what dnsmasq answers is passed on, over UDP and TCP', needing('dnsmasq'), async () => {
  await using stage = new Stage()
  using standing_ = await standing(stage)
  const free = await startUpstream(() => {})
  const { forwarder } = free
  await free[Symbol.asyncDispose]()
  const where = ['--listen-address=127.0.0.1', `--port=${forwarder.port}`]
  const dnsmasq = startDnsmasq([...where, '--address=/example.com/192.0.2.1'])
  try {
    standing_.service.setHostServers([forwarder])
    standing_.service.setView('one', { networks: ['net'], forwardTo: 'host' })
    const asker = stage.asker('one')
    await until(
      'dnsmasq answers',
      async () => (await asker.lookUp('example.com').catch(() => [])).join() === '192.0.2.1',
    )
    const [overTcp] = await asker.sendTcp([questionOf('example.com')])
    assert.ok(overTcp?.includes(Buffer.of(192, 0, 2, 1)))
    assert.deepEqual(await asker.lookUp('four'), ['10.1.0.4'])
  } finally {
    dnsmasq.kill()
  }
})
