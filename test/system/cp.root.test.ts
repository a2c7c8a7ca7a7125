import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { busyboxRootfs, CaissonCommand, inNamespaces, needsBusybox, tar } from '@caisson/testkit'

const skip = inNamespaces() || needsBusybox()
let caisson: CaissonCommand
let host: string

function refused(args: readonly string[], why: RegExp, input?: Uint8Array | string): void {
  const ran = caisson.run(args, input)
  assert.equal(ran.code, 125, `${args.join(' ')}: ${ran.err}`)
  assert.match(ran.err, why)
}

before(() => {
  if (skip) return
  host = mkdtempSync(join(tmpdir(), 'csn-host-'))
  caisson = new CaissonCommand({ cwd: host })
  caisson.done(['up', '-d'])
  caisson.done(['import', '-', 'busybox'], busyboxRootfs())
})

after(() => {
  if (skip) return
  caisson.removeContainers()
  caisson.done(['down'])
  rmSync(caisson.root, { recursive: true, force: true })
  rmSync(host, { recursive: true, force: true })
})

/** What a shell in the image says of the container's files, when it does not run itself. */
type Look = (script: string) => string

/** Rules that the state of a container has no part in are tried in one of the states. */
const WAYS = [
  { state: 'that was never started', options: [], starts: false },
  { state: 'that runs in a user namespace', options: [], starts: true },
  { state: "that runs with the host's ids", options: ['--userns', 'host'], starts: true },
] as const
const [AT_REST, RUNNING] = [0, 1]
const ELSEWHERE = 'tried in another state'

for (const [index, { state, options, starts }] of WAYS.entries())
  describe(`a container ${state}`, { skip }, () => {
    const name = `c${index}`
    const at = (path: string): string => `${name}:${path}`
    const look: Look = (script) => caisson.done(['exec', name, 'sh', '-c', script])
    const here = (...parts: string[]): string => join(host, name, ...parts)

    before(() => {
      caisson.done(['create', '--name', name, '--network', 'none', ...options, 'busybox', 'sleep', '1000'])
      if (starts) caisson.done(['start', name])
      mkdirSync(here('dir', 'deep'), { recursive: true })
      writeFileSync(here('file'), 'content')
      chmodSync(here('file'), 0o640)
      writeFileSync(here('dir', 'one'), '1')
      writeFileSync(here('dir', 'deep', 'two'), '2')
      symlinkSync('one', here('dir', 'link'))
    })

    /** Copies in, and takes the same path out as a list of what the tar has. */
    const listed = (path: string): string[] =>
      spawnSync('tar', ['-t'], { input: caisson.run(['cp', at(path), '-']).bytes })
        .stdout.toString()
        .split('\n')
        .filter(Boolean)

    test('a file goes to a name that is free, over a file, and into a directory', {
      skip: index !== RUNNING && ELSEWHERE,
    }, () => {
      caisson.done(['cp', here('file'), at('/tmp/new')])
      assert.deepEqual(listed('/tmp/new'), ['new'])
      writeFileSync(here('other'), 'other')
      caisson.done(['cp', here('other'), at('/tmp/new')])
      caisson.done(['cp', at('/tmp/new'), here('back')])
      assert.equal(readFileSync(here('back'), 'utf8'), 'other')
      caisson.done(['cp', here('file'), at('/root')])
      caisson.done(['cp', here('file'), at('/home/')])
      assert.deepEqual(listed('/root'), ['root/', 'root/file'])
      assert.ok(listed('/home').includes('home/file'))
      caisson.done(['cp', at('/root/file'), here('back')])
      assert.equal(readFileSync(here('back'), 'utf8'), 'content')
      assert.equal(statSync(here('back')).mode & 0o777, 0o640)
    })

    test('a directory makes its target, or goes into one that is there, or gives only what is in it', {
      skip: index !== AT_REST && ELSEWHERE,
    }, () => {
      caisson.done(['cp', here('dir'), at('/tmp/made')])
      assert.deepEqual(listed('/tmp/made'), ['made/', 'made/deep/', 'made/deep/two', 'made/link', 'made/one'])
      caisson.done(['cp', here('dir'), at('/tmp/made')])
      assert.ok(listed('/tmp/made').includes('made/dir/deep/two'))
      caisson.done(['cp', `${here('dir')}/.`, at('/tmp/content')])
      assert.deepEqual(listed('/tmp/content'), [
        'content/',
        'content/deep/',
        'content/deep/two',
        'content/link',
        'content/one',
      ])
      mkdirSync(here('taken'))
      caisson.done(['cp', `${here('dir')}/.`, at('/var')])
      caisson.done(['cp', at('/var/.'), here('taken')])
      assert.deepEqual(readdirSync(here('taken')).sort(), ['deep', 'link', 'one'])
      assert.equal(readlinkSync(here('taken', 'link')), 'one')
      caisson.done(['cp', at('/var'), here('taken')])
      assert.equal(readFileSync(here('taken', 'var', 'deep', 'two'), 'utf8'), '2')
      caisson.done(['cp', at('/var'), here('fresh')])
      assert.deepEqual(readdirSync(here('fresh')).sort(), ['deep', 'link', 'one'])
    })

    test('what docker refuses is refused, and nothing is made', { skip: index !== RUNNING && ELSEWHERE }, () => {
      refused(['cp', here('file'), at('/nowhere/file')], /no such directory: \/nowhere/)
      refused(['cp', here('file'), at('/tmp/nothing/')], /no such directory/)
      refused(['cp', here('dir'), at('/etc/passwd')], /is no directory/)
      refused(['cp', here('missing'), at('/tmp')], /no such file/)
      refused(['cp', at('/missing'), here()], /no such file/)
      refused(['cp', at('/etc'), here('file')], /is no directory/)
      refused(['cp', at('/etc/passwd'), here('nothing', 'x')], /no such directory/)
      refused(['cp', at('/etc/passwd'), here('nothing/')], /no such directory/)
      refused(['cp', here('file'), here('file2')], /CONTAINER:PATH/)
      refused(['cp', '-', at('/etc/passwd')], /goes into one that is there/, tar([]))
      refused(['cp', 'nobody:/etc', here()], /no such container/)
      assert.ok(!existsSync(here('nothing')))
    })

    test('a tar comes from standard input, compressed or not, and goes to standard output', () => {
      const archive = tar([{ path: 'streamed', content: 'via tar', uid: 5 }])
      caisson.done(['cp', '-', at('/tmp')], archive)
      const out = caisson.run(['cp', at('/tmp/streamed'), '-']).bytes
      const list = spawnSync('tar', ['-tv', '--numeric-owner'], { input: out }).stdout.toString()
      assert.match(list, /^-rw-r--r-- 0\/0 +7 .* streamed\n$/)
      caisson.done(['cp', '-a', '-', at('/tmp')], archive)
      const kept = spawnSync('tar', ['-tv', '--numeric-owner'], {
        input: caisson.run(['cp', at('/tmp/streamed'), '-']).bytes,
      })
      assert.match(kept.stdout.toString(), /^-rw-r--r-- 5\/0 /)
    })

    test('links at the end of a target lead to what is meant; those of a source are copied, or followed with -L', {
      skip: index !== RUNNING && ELSEWHERE,
    }, () => {
      caisson.done(
        ['cp', '-', at('/tmp')],
        tar([
          { path: 'to-dir', type: 'symlink', target: '/home/user' },
          { path: 'to-file', type: 'symlink', target: 'pointed' },
          { path: 'pointed', content: 'old' },
        ]),
      )
      caisson.done(['cp', here('file'), at('/tmp/to-dir')])
      assert.ok(listed('/home/user').includes('user/file'))
      caisson.done(['cp', here('file'), at('/tmp/to-file')])
      caisson.done(['cp', at('/tmp/pointed'), here('followed')])
      assert.equal(readFileSync(here('followed'), 'utf8'), 'content')
      caisson.done(['cp', at('/tmp/to-file'), here('as-link')])
      assert.ok(lstatSync(here('as-link')).isSymbolicLink())
      caisson.done(['cp', '-L', at('/tmp/to-file'), here('as-file')])
      assert.equal(readFileSync(here('as-file'), 'utf8'), 'content')
    })

    test('absolute links, ".." and magic links never leave the root', () => {
      writeFileSync(join(host, 'canary'), 'of the host')
      caisson.done(
        ['cp', '-', at('/tmp')],
        tar([
          { path: 'out', type: 'symlink', target: `${'../'.repeat(12)}${host.slice(1)}` },
          { path: 'abs', type: 'symlink', target: host },
          { path: 'magic', type: 'symlink', target: '/proc/self/root' },
        ]),
      )
      for (const link of ['out', 'abs']) {
        refused(['cp', at(`/tmp/${link}/canary`), here('stolen')], /no such file|cannot find/)
        refused(['cp', '-L', at(`/tmp/${link}`), here('stolen')], /no such file|cannot find/)
        refused(['cp', here('file'), at(`/tmp/${link}/canary`)], /no such/)
      }
      assert.notEqual(caisson.run(['cp', '-L', at(`/tmp/magic${host}/canary`), here('stolen')]).code, 0)
      assert.notEqual(caisson.run(['cp', at(`/proc/1/root${host}/canary`), here('stolen')]).code, 0)
      assert.notEqual(caisson.run(['cp', at(`/proc/self/cwd${host}/canary`), here('stolen')]).code, 0)
      refused(['cp', '-', at('/tmp')], /leaves the root|lead out|leads out/, tar([{ path: '../../x', content: 'x' }]))
      refused(
        ['cp', '-', at('/tmp')],
        /out of its place|symlink|lead/,
        tar([{ path: 'abs/planted', content: 'planted' }]),
      )
      assert.ok(!existsSync(here('stolen')))
      assert.deepEqual(
        readdirSync(host).filter((file) => file === 'planted'),
        [],
      )
      assert.equal(readFileSync(join(host, 'canary'), 'utf8'), 'of the host')
    })

    test('FIFOs, devices and sockets in the way never block', () => {
      caisson.done(['cp', '-', at('/tmp')], tar([{ path: 'pipe', type: 'fifo' }]))
      assert.match(caisson.run(['cp', at('/tmp/pipe'), here('pipe')]).err, /left out/)
      assert.deepEqual(listed('/tmp/pipe'), ['pipe'])
      refused(['cp', at('/tmp/pipe/x'), here('pipe')], /no directory|Not a directory/)
      refused(['cp', here('file'), at('/tmp/pipe/x')], /no directory|Not a directory|no such/)
      if (!starts) return
      refused(['cp', here('file'), at('/etc/hosts')], /something is mounted/)
      assert.match(look('cat /etc/hosts'), /localhost/)
      assert.match(caisson.run(['cp', at('/dev/zero'), here('zero')]).err, /left out/)
      assert.ok(!existsSync(here('zero')))
    })

    test('huge names are refused', () => {
      assert.equal(caisson.run(['cp', at(`/${'x'.repeat(300)}`), here('x')]).code, 125)
      assert.equal(caisson.run(['cp', at(`/${'x/'.repeat(3000)}`), here('x')]).code, 125)
    })

    test('what goes in belongs to the root of the container, what comes out to the user', () => {
      caisson.done(['cp', here('file'), at('/tmp/owned')])
      caisson.done(['cp', at('/tmp/owned'), here('owned')])
      assert.equal(statSync(here('owned')).uid, process.getuid?.())
      if (starts) assert.equal(look('stat -c %u:%g:%a /tmp/owned').trim(), '0:0:640')
      caisson.done(
        ['cp', '-a', '-', at('/tmp')],
        tar([{ path: 'su', content: 'x', uid: 1000, gid: 2000, mode: 0o4755 }]),
      )
      if (starts) assert.equal(look('stat -c %u:%g:%a /tmp/su').trim(), '1000:2000:4755')
      caisson.done(['cp', at('/tmp/su'), here('su')])
      assert.equal(statSync(here('su')).mode & 0o7777, 0o755)
      caisson.done(['cp', '-a', at('/tmp/su'), here('su')])
      assert.deepEqual([statSync(here('su')).uid, statSync(here('su')).gid], [1000, 2000])
    })

    test('it goes on from where it was when it stops', { skip: !starts }, () => {
      look('echo kept > /var/kept')
      caisson.done(['pause', name])
      caisson.done(['cp', at('/var/kept'), here('paused')])
      caisson.done(['resume', name])
      caisson.done(['kill', name])
      caisson.done(['wait', name])
      caisson.done(['cp', at('/var/kept'), here('kept')])
      assert.equal(readFileSync(here('kept'), 'utf8'), 'kept\n')
      caisson.done(['cp', here('file'), at('/var/after')])
      caisson.done(['start', name])
      assert.equal(look('cat /var/after; stat -c %u /var/after'), 'content0\n')
    })
  })

test('volumes are reached while a container runs, and refused by name while it does not', { skip }, () => {
  const volume = join(host, 'volume')
  mkdirSync(volume)
  writeFileSync(join(volume, 'inside'), 'of the volume')
  const common = ['--network', 'none', '--read-only', '-v', `${volume}:/home`, '--tmpfs', '/var']
  caisson.done(['create', '--name', 'vol', ...common, 'busybox', 'sleep', '1000'])
  refused(['cp', 'vol:/home/inside', join(host, 'x')], /does not run/)
  writeFileSync(join(host, 'plain'), 'plain')
  refused(['cp', join(host, 'plain'), 'vol:/tmp'], /read-only/)
  caisson.done(['start', 'vol'])
  caisson.done(['cp', 'vol:/home/inside', join(host, 'x')])
  assert.equal(readFileSync(join(host, 'x'), 'utf8'), 'of the volume')
  refused(['cp', join(host, 'plain'), 'vol:/tmp'], /read-only|Read-only/i)
  caisson.done(['cp', join(host, 'plain'), 'vol:/var'])
  assert.equal(caisson.done(['exec', 'vol', 'cat', '/var/plain']), 'plain')
  const out = caisson.run(['export', 'vol']).bytes
  assert.doesNotMatch(spawnSync('tar', ['-t'], { input: out }).stdout.toString(), /home\/inside/)
})

test('files go from container to container', { skip }, () => {
  caisson.done(['create', '--name', 'from', '--network', 'none', 'busybox', 'true'])
  caisson.done(['create', '--name', 'to', '--network', 'none', 'busybox', 'true'])
  caisson.done(['cp', 'from:/etc', 'to:/var/copied'])
  assert.match(caisson.run(['cp', 'to:/var/copied/passwd', '-']).out, /root:x:0:0/)
})

test('the export of a new container is the tar that its image was made from', { skip }, () => {
  caisson.done(['create', '--name', 'exported', '--network', 'none', 'busybox', 'true'])
  const file = join(host, 'export.tar')
  caisson.done(['export', '-o', file, 'exported'])
  const list = (archive: Uint8Array): string[] =>
    spawnSync('tar', ['-tv', '--numeric-owner', '--utc', '--full-time'], { input: archive })
      .stdout.toString()
      .split('\n')
      .filter(Boolean)
      // The permissions of a link mean nothing.
      .map((line) => line.replace(/^l\S+/, 'l'))
      .sort()
  assert.deepEqual(list(readFileSync(file)), list(busyboxRootfs()))
})
