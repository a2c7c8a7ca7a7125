import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { busyboxRootfs, CaissonCommand, inNamespaces, needsBusybox, staticProgram } from '@caisson/testkit'
import { assertRefused, Talkers } from './talkers.ts'

// Containers that find one another, through the command line.

const skip = inNamespaces() || needsBusybox()
let caisson: CaissonCommand
let talkers: Talkers

const ok = (args: readonly string[], input?: Uint8Array): string => caisson.done(args, input)
const up = (name: string, ...options: string[]): string => talkers.up(name, ...options)
const read = (name: string, file: string): string => ok(['exec', name, 'cat', file])

/** Every address that a name has for a container. */
function lookUp(from: string, name: string): string[] {
  const { out } = caisson.run(['exec', from, 'busybox', 'nslookup', '-type=a', name])
  const answer = out.slice(out.indexOf('\n\n'))
  return [...answer.matchAll(/^Address(?: \d+)?: (\S+)/gm)].map(([, address]) => address ?? '').toSorted()
}

/** The first address of a name as a C library finds it, from the files of the container; empty: none. */
const resolve = (from: string, name: string): string => caisson.run(['exec', from, 'resolve', name]).out.trim()

/** Who answers at a name. */
const asks = (from: string, name: string): string => talkers.ask(from, resolve(from, name))

const RESOLVE = `
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>

int main(int argc, char **argv) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
  char text[INET_ADDRSTRLEN];
  if (argc != 2 || getaddrinfo(argv[1], NULL, &hints, &found) != 0) return 1;
  puts(inet_ntop(AF_INET, &((struct sockaddr_in *)found->ai_addr)->sin_addr, text, sizeof text));
  return 0;
}
`

before(() => {
  if (skip) return
  spawnSync('ip', ['link', 'set', 'lo', 'up'])
  caisson = new CaissonCommand()
  talkers = new Talkers(caisson)
  ok(['up', '-d'])
  const resolver = { path: 'bin/resolve', mode: 0o755, content: staticProgram(RESOLVE, 'musl-gcc') }
  ok(['import', '-', 'busybox'], busyboxRootfs([resolver]))
  for (const [index, name] of ['front', 'back'].entries())
    ok(['network', 'create', '--subnet', `10.8${index}.0.0/24`, name])
})

after(() => {
  if (skip) return
  caisson.removeContainers()
  ok(['network', 'prune', '-f'])
  ok(['down'])
  rmSync(caisson.root, { recursive: true, force: true })
})

test('containers find one another by name, id, alias and host name, and nobody else does', { skip }, () => {
  const id = up('web', '--network', 'front:alias=www', '--network-alias', 'shop', '--hostname', 'host-of-web')
  up('other', '--network', 'front', '--network-alias', 'shop')
  up('far', '--network', 'back')
  const [document] = JSON.parse(ok(['network', 'inspect', 'front']))
  const short = id.slice(0, 12)
  assert.deepEqual(document.containers[id].dnsNames, ['web', 'www', 'shop', short, 'host-of-web'])
  for (const name of ['web', 'www', short, 'host-of-web', 'web.front'])
    assert.deepEqual(lookUp('other', name), ['10.80.0.2'], name)
  assert.deepEqual(lookUp('web', 'shop'), ['10.80.0.2', '10.80.0.3'])
  assert.equal(asks('other', 'web'), 'web')
  assert.match(ok(['exec', 'other', 'busybox', 'nslookup', '10.80.0.2']), /name = web\.front/)
  assert.equal(resolve('web', 'host-of-web'), '10.80.0.2', 'itself')
  assert.deepEqual(lookUp('far', 'web'), [])
  ok(['network', 'connect', '--alias', 'remote', 'front', 'far'])
  assert.deepEqual(lookUp('far', 'web'), ['10.80.0.2'])
  // Those between are leased for namespaces that wait to be taken.
  const address = /inet (10\.80\.0\.\d+)/.exec(ok(['exec', 'far', 'ip', 'addr']))?.[1]
  assert.deepEqual(lookUp('web', 'remote'), [address])
  ok(['network', 'disconnect', 'front', 'far'])
  assert.deepEqual([lookUp('far', 'web'), lookUp('web', 'far')], [[], []])
  ok(['rm', '-f', 'other'])
  assert.deepEqual(lookUp('web', 'shop'), ['10.80.0.2'])
  ok(['rm', '-f', 'web', 'far'])
})

test('containers of the default network find one another, and the host', { skip }, () => {
  up('one')
  up('two')
  assert.equal(asks('one', 'two'), 'two')
  const gateway = /default via (\S+)/.exec(ok(['exec', 'one', 'ip', 'route']))?.[1]
  assert.deepEqual(lookUp('one', 'host.docker.internal'), [gateway])
  ok(['rm', '-f', 'one', 'two'])
})

test('the files inside say what was asked for', { skip }, () => {
  const names = ['--hostname', 'web', '--domainname', 'example.org', '--add-host', 'db:10.1.2.3']
  const dns = ['--dns', '10.0.0.1', '--dns-search', 'lan', '--dns-search', 'corp', '--dns-option', 'timeout:1']
  up('web', '--network', 'front', '--ip', '10.80.0.99', ...names, '--add-host', 'outside=host-gateway', ...dns)
  assert.equal(read('web', '/etc/resolv.conf'), 'nameserver 127.0.0.11\nsearch lan corp\noptions timeout:1 ndots:0\n')
  assert.match(
    read('web', '/etc/hosts'),
    /^10\.1\.2\.3\tdb\n10\.80\.0\.1\toutside\n10\.80\.0\.99\tweb\.example\.org web\n$/m,
  )
  up('asker', '--network', 'front')
  assert.deepEqual(lookUp('asker', 'web.example.org'), ['10.80.0.99'])
  assert.deepEqual(
    ['db', 'outside', 'web'].map((name) => resolve('web', name)),
    ['10.1.2.3', '10.80.0.1', '10.80.0.99'],
  )
  up('alone', '--network', 'none', '--dns', '10.0.0.1')
  assert.match(read('alone', '/etc/resolv.conf'), /^nameserver 10\.0\.0\.1\n/)
  ok(['rm', '-f', 'web', 'asker', 'alone'])
})

test('what is no name, no address and no option is refused and named', { skip }, () => {
  const wrong: [string[], RegExp][] = [
    [['--network', 'front', '--network-alias', 'a..b'], /aliases "a\.\.b"/],
    [['--network', 'front', '--network-alias', `${'x'.repeat(64)}.org`], /aliases "x+/],
    [['--dns', 'dns.example.org'], /--dns/],
    [['--add-host', 'db'], /--add-host/],
    [['--dns-search', 'a b'], /dns\.search "a b"/],
    [['--dns-option', 'a\nb'], /dns\.options/],
  ]
  for (const [options, why] of wrong) assertRefused(caisson, ['run', '--rm', ...options, 'busybox', 'true'], why)
})

test('names outlive the services, and are there again when the engine is', { skip, timeout: 120_000 }, () => {
  up('web', '--network', 'front', '--ip', '10.80.0.99')
  up('asker', '--network', 'front')
  ok(['down'])
  ok(['up', '-d'])
  assert.deepEqual(lookUp('asker', 'web'), ['10.80.0.99'])
  ok(['rm', '-f', 'web', 'asker'])
})
